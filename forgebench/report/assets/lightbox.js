"use strict";
// A picture of the gallery, larger, layer by layer. Without a gallery there is nothing to do.
{
  const dialog = document.getElementById("lightbox");
  const buttons = [...document.querySelectorAll("button.pictures")];
  let current = 0;
  let scale = 0;

  const show = (index) => {
    current = (index + buttons.length) % buttons.length;
    const button = buttons[current];
    const caption = button.nextElementSibling;
    const picture = button.lastElementChild.cloneNode(true);
    picture.setAttribute("class", "picture");
    dialog.querySelector(".stage").replaceChildren(picture);
    dialog.querySelector("#lightbox-title").textContent = caption.querySelector(".id").textContent;
    dialog.querySelector(".caption-of").replaceChildren(caption.querySelector(".numbers").cloneNode(true));
    for (const toggle of dialog.querySelectorAll("[data-layer]")) {
      toggle.disabled = !picture.querySelector(`.layer-${toggle.dataset.layer}`);
    }
    zoom(scale);
  };

  const zoom = (factor) => {
    scale = factor;
    const picture = dialog.querySelector(".picture");
    const { width, height } = picture.viewBox.baseVal;
    dialog.classList.toggle("zoomed", factor > 0);
    picture.style.width = factor ? `${width * factor}px` : "";
    picture.style.height = factor ? `${height * factor}px` : "";
    for (const button of dialog.querySelectorAll("[data-zoom]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.zoom) === factor));
    }
    if (factor) centre(picture);
  };

  // What is tampered comes into view; without a truth the middle does.
  const centre = (picture) => {
    const stage = dialog.querySelector(".stage");
    const of = (picture.querySelector(".layer-truth .line") ?? picture).getBoundingClientRect();
    const at = stage.getBoundingClientRect();
    stage.scrollBy(of.x + of.width / 2 - at.x - at.width / 2, of.y + of.height / 2 - at.y - at.height / 2);
  };

  const toggle = (button) => {
    const off = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!off));
    dialog.classList.toggle(`without-${button.dataset.layer}`, off);
  };

  if (dialog) {
    const actions = { close: () => dialog.close(), previous: () => show(current - 1), next: () => show(current + 1) };
    buttons.forEach((button, index) => button.addEventListener("click", () => { show(index); dialog.showModal(); }));
    dialog.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (event.target === dialog) dialog.close();
      else if (button?.dataset.layer) toggle(button);
      else if (button?.dataset.zoom) zoom(Number(button.dataset.zoom));
      else if (button) actions[button.dataset.do]();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") actions.previous();
      if (event.key === "ArrowRight") actions.next();
    });
    dialog.addEventListener("close", () => buttons[current].focus());
  }
}
