// Everything works without this file. With it, ratings are saved and filters applied without a button, and dates and countries are localized.
const CLEAR_NOTICE_AFTER = 12000;
const notice = document.getElementById("notice");
let timer;

function showFailure() {
  notice.replaceChildren(Object.assign(document.createElement("div"), { className: "notice", textContent: notice.dataset.failed }));
}

function clearNoticeLater() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (notice.matches(":hover, :focus-within")) clearNoticeLater();
    else notice.replaceChildren();
  }, CLEAR_NOTICE_AFTER);
}

// The live region stays in the page, or its text would not be read out.
function replaceNotice(part) {
  const hadFocus = notice.contains(document.activeElement);
  notice.replaceChildren(...part.childNodes);
  if (hadFocus) notice.querySelector("button")?.focus();
  clearNoticeLater();
}

function replaceParts(html) {
  for (const part of new DOMParser().parseFromString(html, "text/html").querySelectorAll("body > [id]")) {
    const old = document.getElementById(part.id);
    if (old === notice) replaceNotice(part);
    else old?.replaceWith(part);
    localizeTimes(part);
  }
}

function updateForm(form, id) {
  const own = document.getElementById(`own${id}`).textContent.trim();
  let isRated = false;
  for (const radio of form.querySelectorAll("input[type=radio]")) {
    radio.defaultChecked = radio.checked = radio.value === own;
    isRated ||= radio.checked;
  }
  form.classList.toggle("rated", isRated);
  const drop = form.querySelector(".drop");
  // A button that is hidden loses the focus.
  if (!isRated && drop === document.activeElement) form.querySelector("input[type=radio]").focus();
  drop.hidden = !isRated;
  const label = document.querySelector(`[popovertarget="rate${id}"] span`);
  if (label) label.textContent = isRated ? own : label.dataset.empty;
  closeSheet(form);
}

// The sheet of a phone covers the notice.
function closeSheet(form) {
  if (form.matches(":popover-open")) form.hidePopover();
}

async function send(form, id, body) {
  const rateForm = document.getElementById(`rate${id}`);
  const part = rateForm?.classList.contains("big") ? "movie" : "row";
  try {
    const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(body), headers: { "X-Part": part } });
    if (response.redirected) return void (location = response.url);
    if (!response.ok) throw new Error(response.status);
    replaceParts(await response.text());
    if (rateForm) updateForm(rateForm, id);
  } catch {
    if (rateForm) {
      rateForm.reset();
      closeSheet(rateForm);
    }
    showFailure();
  }
}

// Ratings of a movie are sent one after another: of two requests at the same time, the first could arrive last, and its value would stay.
const sent = new Map();

function save(form, button) {
  const body = new FormData(form, button);
  const id = form.action.match(/movies\/(\d+)/)[1];
  delete form.dataset.changed;
  sent.set(id, Promise.resolve(sent.get(id)).then(() => send(form, id, body)));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches(".rate, [data-undo]") || form.closest(".deck")) return;
  event.preventDefault();
  save(form, event.submitter?.name ? event.submitter : null);
});

let lastClicked;

// A finger or a mouse saves at once. A key moves the choice, and Enter or leaving the choice saves it.
document.addEventListener("click", (event) => {
  const radio = event.target.closest(".rate input[type=radio]");
  if (!radio) return;
  if (event.detail === 0) radio.form.dataset.changed = "";
  // The second click of a double click would save the same value again, and Undo would be gone.
  else if (event.detail === 1 || radio !== lastClicked) radio.form.requestSubmit();
  lastClicked = radio;
});
document.addEventListener("focusout", (event) => {
  const form = event.target.closest(".rate");
  if (form && "changed" in form.dataset && !form.querySelector(".steps").contains(event.relatedTarget)) form.requestSubmit();
});

function findTarget(key, position) {
  if (/^[1-9]$/.test(key)) return key * 2 - 1;
  return { 0: 19, Home: 0, End: 19, PageDown: Math.max(0, position - 2), PageUp: Math.min(19, position + 2) }[key];
}

document.addEventListener("keydown", (event) => {
  const radio = event.target.closest(".rate input[type=radio]");
  if (!radio || event.ctrlKey || event.metaKey || event.altKey) return;
  const radios = [...radio.form.querySelectorAll("input[type=radio]")];
  const target = findTarget(event.key, radios.indexOf(radio));
  if (target !== undefined) {
    event.preventDefault();
    radios[target].focus();
    radios[target].checked = true;
    radio.form.dataset.changed = "";
  } else if (event.key === "Escape" && "changed" in radio.form.dataset) {
    delete radio.form.dataset.changed;
    radio.form.reset();
  }
});

// On a slow network, a rating may be chosen before this script runs. `autocomplete="off"` keeps browsers from restoring another choice.
for (const radio of document.querySelectorAll(".rate input[type=radio]:checked:not([checked])")) radio.form.requestSubmit();

if (notice.firstElementChild) clearNoticeLater();

// A filter that is chosen with a mouse or a finger is applied at once. With keys, each arrow chooses another one, and the button applies.
for (const select of document.querySelectorAll(".filters select")) {
  let isPointed = false;
  select.addEventListener("pointerdown", () => (isPointed = true));
  select.addEventListener("keydown", () => (isPointed = false));
  select.addEventListener("change", () => isPointed && select.form.requestSubmit());
}

// Pages carry times in UTC; the reader sees them in their own time zone and language.
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
// A month such as 2024-12 is the same in every time zone.
const months = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric", timeZone: "UTC" });
function localizeTimes(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    const format = time.dateTime.length === 7 ? months : dates;
    time.textContent = format.format(new Date(time.dateTime));
  }
}
localizeTimes(document);

// Pages carry the codes of countries; the browser knows their names in the reader's language.
const countries = new Intl.DisplayNames(undefined, { type: "region" });
for (const country of document.querySelectorAll("[data-country]")) {
  country.textContent = countries.of(country.dataset.country);
}
