"""Tables of accounts, sessions, personal tokens and one-time links."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from movierating.rating_stats import RatingStatsMixin
from movierating.storage.database import Base
from movierating.storage.dialect import Id, folded_text

ROLES = ("member", "admin")
SCOPES = ("read", "write")


class User(RatingStatsMixin, Base):
    """An account. One without a password hash (an imported user) can't log in.

    The `_key` columns hold the normalized, unique text. Users who are not `listed` are not named among those with the
    same taste. Times are microseconds since 1970, in every table.
    """

    __tablename__ = "user"
    __table_args__ = (
        CheckConstraint("role IN ('member', 'admin')", name="role"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    username: Mapped[str] = mapped_column(String(40))
    username_key: Mapped[str] = mapped_column(folded_text(40), unique=True)
    email: Mapped[str | None] = mapped_column(String(254))
    email_key: Mapped[str | None] = mapped_column(folded_text(254), unique=True)
    display_name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(10), server_default="member")
    active: Mapped[bool] = mapped_column(server_default="1")
    listed: Mapped[bool] = mapped_column(server_default="1")
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)


class Session(Base):
    """One login. `generation` counts its refresh tokens; only the last one is valid."""

    __tablename__ = "session"
    __table_args__ = (Index(None, "user_id"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    generation: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[int] = mapped_column(BigInteger)
    rotated_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)


class PersonalToken(Base):
    """A named token for scripts; only its SHA-256 is stored, in hexadecimal."""

    __tablename__ = "personal_token"
    __table_args__ = (
        CheckConstraint("scope IN ('read', 'write')", name="scope"),
        Index(None, "user_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    scope: Mapped[str] = mapped_column(String(10))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    last_used_at: Mapped[int | None] = mapped_column(BigInteger)


class OneTimeLink(Base):
    """A link that can be used once: it sets the password of `user_id`, or creates an account if that is NULL.

    Only the SHA-256 of its token is stored, in hexadecimal. `creator_id` is the admin who created it, or NULL for a
    command of the operator.
    """

    __tablename__ = "one_time_link"
    __table_args__ = (Index(None, "user_id"), Index(None, "creator_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    creator_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger)
