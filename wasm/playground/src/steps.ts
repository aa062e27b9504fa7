/** The slider of the steps, and the explanation of each. */

import type { Step } from "./state";

const STEPS = [
  {
    title: "Before the apply",
    text: "SessionServer runs alone: it adds the Service to the manifests, and no cluster is read.",
  },
  {
    title: "Service pending",
    text: "The Service is applied, but has no address yet. AdvertiseAddress leaves terminals off, and jobs run as before.",
  },
  {
    title: "Address known",
    text: "The Service has an address. AdvertiseAddress writes it to config.toml, and the runner's pods restart.",
  },
] as const;

export class Steps {
  constructor(
    private readonly slider: HTMLInputElement,
    private readonly labels: HTMLElement,
    private readonly text: HTMLElement,
    private readonly address: HTMLElement,
    change: (step: Step) => void,
  ) {
    slider.addEventListener("input", () => change(toStep(slider.value)));
    // The labels are for the pointer; the slider itself is for the keyboard.
    [...labels.children].forEach((label, index) => label.addEventListener("click", () => change(toStep(String(index)))));
  }

  show(step: Step): void {
    const { title, text } = STEPS[step];
    this.slider.value = String(step);
    this.slider.setAttribute("aria-valuetext", `${step + 1} of 3: ${title}`);
    this.text.textContent = text;
    this.address.hidden = step !== 2;
    [...this.labels.children].forEach((label, index) => label.classList.toggle("now", index === step));
  }
}

function toStep(value: string): Step {
  return value === "1" ? 1 : value === "2" ? 2 : 0;
}
