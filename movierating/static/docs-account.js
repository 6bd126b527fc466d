// The header of the docs page: a log-in form, or who is logged in. Tokens are only in the memory of this page.

const header = document.querySelector("header");
const status = header.querySelector("[role=status]");
const form = document.getElementById("log-in");
const logOutButton = document.getElementById("log-out");

let ui;
// The access token of the session that the form began. A token entered under "Authorize" is not ours to revoke.
let ownToken = null;

/** A plugin of Swagger UI that keeps the header up to date and reduces "Authorize" to the token that people use. */
export const plugin = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        authorize: (original) => (credentials) => {
          original(credentials);
          if (credentials.bearer) identify();
        },
        logout: (original) => (schemes) => {
          if (schemes.includes("bearer")) endOwnSession();
          original(schemes);
          if (schemes.includes("bearer")) showForm("Logged out.");
        },
      },
      wrapSelectors: {
        definitionsToAuthorize: (original) => (...args) => original(...args).filter((scheme) => scheme.has("bearer")),
      },
    },
  },
});

/** Show the header once Swagger UI has loaded the document. */
export function start(swaggerUi) {
  ui = swaggerUi;
  showForm("Log in to try every operation.");
  header.hidden = false;
}

/** Check the current token again if an operation returned 401: it may have expired. */
export function checkResponse(response) {
  if (response.status === 401 && currentToken()) identify();
  return response;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { login, password } = form.elements;
  const response = await send("v1/auth/login", null, { login: login.value, password: password.value });
  if (!response) return;
  password.value = "";
  if (response.ok) {
    ownToken = response.body.access_token;
    const schema = { type: "http", scheme: "bearer" };
    ui.authActions.authorize({ bearer: { name: "bearer", schema, value: ownToken } });
  } else {
    showForm(response.body.detail, "error");
    password.focus();
  }
});

logOutButton.addEventListener("click", () => {
  ui.authActions.logout(["bearer"]);
  form.elements.login.focus();
});

function currentToken() {
  return ui.authSelectors.authorized().getIn(["bearer", "value"]);
}

/** Show whose token the current one is. If the service rejects it, forget it and say why. */
async function identify() {
  const token = currentToken();
  const response = await send("v1/users/me", token);
  if (!response || token !== currentToken()) return;
  if (response.ok) return showAccount(response.body.username);
  ui.authActions.logout(["bearer"]);
  showForm(`${response.body.detail} Log in again.`, "error");
}

function endOwnSession() {
  if (ownToken && ownToken === currentToken()) send("v1/auth/logout", ownToken, {});
  ownToken = null;
}

/** Send a request to the service. Return its status and JSON, or show why there is no response. */
async function send(path, token, body) {
  const headers = { ...(token && { Authorization: `Bearer ${token}` }), ...(body && { "Content-Type": "application/json" }) };
  try {
    const options = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), cache: "no-store" };
    const response = await fetch(path, options);
    return { ok: response.ok, body: response.status === 204 ? null : await response.json() };
  } catch (error) {
    say(`The service did not respond: ${error.message}.`, "error");
  }
}

function showAccount(username) {
  const hadFocus = form.contains(document.activeElement);
  form.hidden = true;
  logOutButton.hidden = false;
  if (hadFocus) logOutButton.focus();
  say(`Logged in as ${username}.`);
}

function showForm(text, kind) {
  form.hidden = false;
  logOutButton.hidden = true;
  say(text, kind);
}

function say(text, kind = "") {
  status.textContent = text;
  status.className = kind;
}
