"use strict";
const FINAL = ["scored", "invalid", "failed", "withdrawn"];
const csrf = document.querySelector("meta[name=csrf]").content;

async function call(method, path, body) {
  const headers = { "x-csrf-token": csrf };
  const plain = body instanceof Blob;
  if (body && !plain) headers["content-type"] = "application/json";
  const answer = await fetch("/api/v1" + path, { method, headers, body: body && !plain ? JSON.stringify(body) : body });
  const said = await answer.json();
  if (!answer.ok) throw new Error(typeof said.detail === "string" ? said.detail : "The board refused it.");
  return said;
}

async function sha256(file) {
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function upload(form, told, progress) {
  const file = form.elements.file.files[0];
  const suffix = file.name.slice(file.name.lastIndexOf(".")).toLowerCase();
  told.textContent = "Hashing …";
  let at = await call("POST", "/uploads", {
    benchmark: form.elements.benchmark.value, suffix, sha256: await sha256(file), size: file.size,
  });
  progress.hidden = false;
  while (at.received < at.size) {
    const part = file.slice(at.received, at.received + at.part_bytes);
    at = await call("PUT", `/uploads/${at.id}?offset=${at.received}`, part);
    progress.value = at.received / at.size;
    told.textContent = `Uploading: ${Math.round(100 * progress.value)} %`;
  }
  return call("POST", "/submissions", { upload: at.id, partial: form.elements.partial.checked });
}

const form = document.getElementById("upload");
if (form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const told = document.getElementById("told");
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const made = await upload(form, told, document.getElementById("progress"));
      location.href = `/account/submissions/${made.id}`;
    } catch (error) {
      told.textContent = error.message;
      button.disabled = false;
    }
  });
}

async function watch(mark) {
  while (!FINAL.includes(mark.dataset.state)) {
    await new Promise((done) => setTimeout(done, 1000));
    const seen = await call("GET", `/submissions/${mark.dataset.watch}`).catch(() => null);
    if (!seen) continue;
    if (FINAL.includes(seen.state)) location.reload();
    mark.dataset.state = mark.textContent = seen.state;
    mark.className = `state ${seen.state}`;
  }
}
document.querySelectorAll("[data-watch]").forEach(watch);

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
}
