"use strict";
// A picture of the gallery, larger, layer by layer. Without a gallery there is nothing to do.
{
  const dialog = document.getElementById("lightbox");
  const buttons = [...document.querySelectorAll("button.pictures")];
  let current = 0;

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
      else if (button) actions[button.dataset.do]();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") actions.previous();
      if (event.key === "ArrowRight") actions.next();
    });
    dialog.addEventListener("close", () => buttons[current].focus());
  }
}
