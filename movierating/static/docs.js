"use strict";

// Swagger UI has a dark theme, and leaves it to the page when to show it.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const setTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
setTheme();
dark.addEventListener("change", setTheme);

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  // A token kept in the browser's storage would outlive the tab, within reach of any script of this origin.
  persistAuthorization: false,
  // The validator's badge would be fetched from another host.
  validatorUrl: null,
});

// Swagger UI opens every link of a description in a new tab, where the token just entered here is not known.
document.addEventListener("click", (event) => {
  const link = event.target.closest('.info a[href^="#/"]');
  if (!link) return;
  event.preventDefault();
  const operation = document.getElementById(`operations-${link.hash.slice(2).replace("/", "-")}`);
  if (!operation.classList.contains("is-open")) operation.querySelector(".opblock-summary-control").click();
  operation.scrollIntoView({ behavior: "smooth" });
});
