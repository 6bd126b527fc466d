// Everything works without this file. With it, an upload shows its progress, and a form can't be sent twice.
function setBusy(form, isBusy) {
  const progress = form.querySelector("progress");
  if (progress) progress.hidden = !isBusy;
  for (const element of form.elements) if (element.type === "submit") element.disabled = isBusy;
}

function showProblem(form, text) {
  const problem = form.querySelector(".problem");
  problem.textContent = text;
  problem.hidden = false;
}

function reportFailure(form) {
  setBusy(form, false);
  showProblem(form, form.dataset.failed);
}

function receive(request, form) {
  const path = request.getResponseHeader("Location");
  if (request.status === 201 && path) return void location.assign(path);
  // A session that has ended leads to the log-in page.
  if (new URL(request.responseURL).pathname !== new URL(form.action).pathname) return void location.assign(request.responseURL);
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  const main = page.querySelector("main");
  // Another server, such as a proxy, responded.
  if (!main) return reportFailure(form);
  document.title = page.title;
  document.querySelector("main").replaceWith(main);
  document.querySelector("main .problem")?.focus();
}

function send(form) {
  const request = new XMLHttpRequest();
  const progress = form.querySelector("progress");
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    if (loaded < total) progress.value = loaded / total;
    // The service is busy with the file, for a time that it does not know.
    else progress.removeAttribute("value");
  });
  request.addEventListener("load", () => receive(request, form));
  request.addEventListener("error", () => reportFailure(form));
  request.open("POST", form.action);
  request.setRequestHeader("X-Part", "upload");
  request.send(new FormData(form));
  setBusy(form, true);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches(".upload")) {
    event.preventDefault();
    const [file] = form.elements.file.files;
    if (file.size > Number(form.dataset.max)) showProblem(form, form.dataset.large);
    else send(form);
  } else if (form.matches(".confirm") && !("download" in event.submitter.dataset)) {
    // After the browser has read the form: a disabled button would not be part of it.
    setTimeout(() => setBusy(form, true));
  }
});

// The page may come back from the browser's cache as it was left.
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.querySelectorAll(".upload, .confirm")) setBusy(form, false);
});
