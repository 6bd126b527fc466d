import * as account from "./docs-account.js";
import { foldErrors } from "./docs-responses.js";

// Swagger UI has a dark theme, and leaves it to the page when to show it.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const setTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
setTheme();
dark.addEventListener("change", setTheme);

// Without it, Swagger UI logs an error for a list of 64-bit integers.
const int64Lists = (system) => ({
  components: {
    JsonSchema_integer_int64: (props) => system.React.createElement(system.getComponent("JsonSchema_string"), props),
  },
});

const ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  // A token kept in the browser's storage would outlive the tab, within reach of any script of this origin.
  persistAuthorization: false,
  // The validator's badge would be fetched from another host.
  validatorUrl: null,
  plugins: [account.plugin, foldErrors, int64Lists],
  responseInterceptor: account.checkResponse,
  onComplete: () => account.start(ui),
});

// Swagger UI opens every link of a description in a new tab, where nobody is logged in.
document.addEventListener("click", (event) => {
  const link = event.target.closest('.info a[href^="#/"]');
  if (!link) return;
  event.preventDefault();
  const operation = document.getElementById(`operations-${link.hash.slice(2).replace("/", "-")}`);
  if (!operation.classList.contains("is-open")) operation.querySelector(".opblock-summary-control").click();
  operation.scrollIntoView({ behavior: "smooth" });
  focusFirstField(operation);
});

// With a mouse, an operation opens with its first field in focus. On a touch screen the keyboard would hide the operation.
document.addEventListener("click", (event) => {
  const operation = event.target.closest(".opblock-summary")?.parentElement;
  if (event.detail > 0 && operation?.classList.contains("is-open")) focusFirstField(operation);
});

function focusFirstField(operation) {
  if (!window.matchMedia("(pointer: fine)").matches) return;
  const focus = () => {
    // Swagger UI shows the parameters of a path last.
    const field =
      operation.querySelector("[data-param-in=path] input") ??
      operation.querySelector(".opblock-body :is(input[type=text], textarea)");
    field?.focus({ preventScroll: true });
    return field;
  };
  if (focus()) return;
  // Swagger UI renders the fields some time after the click.
  const observer = new MutationObserver(() => focus() && observer.disconnect());
  observer.observe(operation, { childList: true, subtree: true });
  setTimeout(() => observer.disconnect(), 3000);
}
