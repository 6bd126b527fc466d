// Everything works without this file. With it, a form that was sent after the session had ended is filled in again after the log-in.
const SENT = "sent form";
const UNSAVED = "unsaved form";

// On the log-in page: keep the sent form if the log-in leads back to its page. Otherwise it was saved.
function keepForm(address) {
  const sent = sessionStorage.getItem(SENT);
  if (sent && JSON.parse(sent).address === address) sessionStorage.setItem(UNSAVED, sent);
  sessionStorage.removeItem(SENT);
}

function fillForm(form, values) {
  for (const element of form.elements) {
    const sent = values.getAll(element.name);
    if (element.matches("[type=checkbox], [type=radio]")) element.checked = sent.includes(element.value);
    // Fields that share a name are hidden, and the page has filled them.
    else if (sent.length === 1) element.value = sent[0];
  }
  form.querySelector("[data-restored]").hidden = false;
}

function restoreForm(form, address) {
  // Another person may log in.
  const owner = document.querySelector(".me").href;
  const unsaved = JSON.parse(sessionStorage.getItem(UNSAVED));
  sessionStorage.removeItem(UNSAVED);
  if (unsaved?.address === address && unsaved.owner === owner) fillForm(form, new URLSearchParams(unsaved.values));
  form.addEventListener("submit", () => {
    const values = new URLSearchParams(new FormData(form)).toString();
    sessionStorage.setItem(SENT, JSON.stringify({ address, owner, values }));
  });
}

const form = document.querySelector("[data-restorable]");
if (form) restoreForm(form, location.pathname + location.search);
else keepForm(document.querySelector("main [name=next]").value);
