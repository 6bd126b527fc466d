// The errors that most operations share, and the header that every response has, would hide what is particular.
const COMMON_ERRORS = ["400", "401", "403", "413", "415", "422", "429", "500", "503", "507"];

/** A plugin of Swagger UI that folds the common errors of an operation behind one line. */
export const foldErrors = ({ React }) => ({
  wrapComponents: {
    responses: (Responses) => (props) => {
      const [isOpen, setOpen] = React.useState(false);
      const common = props.responses.keySeq().filter((status) => COMMON_ERRORS.includes(status)).toList();
      if (!common.size) return React.createElement(Responses, props);
      const shown = props.responses.filter((_, status) => isOpen || !COMMON_ERRORS.includes(status));
      const button = React.createElement(
        "button",
        { type: "button", className: "common-errors", "aria-expanded": isOpen, onClick: () => setOpen(!isOpen) },
        `Common errors: ${common.join(", ")}`,
      );
      return React.createElement("div", null, React.createElement(Responses, { ...props, responses: shown }), button);
    },
    headers: (Headers) => (props) => {
      const headers = props.headers.delete("X-Request-ID");
      return headers.size ? React.createElement(Headers, { ...props, headers }) : null;
    },
  },
});
