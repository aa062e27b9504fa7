/** Dark or light: follows the system until the user chooses. */

const KEY = "theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export function theme(toggle: HTMLButtonElement): void {
  const chosen = remembered();
  if (chosen) {
    document.documentElement.dataset.theme = chosen;
  }
  const show = () => {
    toggle.textContent = `Switch to ${isDark() ? "light" : "dark"} theme`;
  };
  toggle.addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // A browser without storage keeps the choice until the page is closed.
    }
    show();
  });
  dark.addEventListener("change", show);
  show();
}

function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen === undefined ? dark.matches : chosen === "dark";
}

function remembered(): string | undefined {
  try {
    const value = localStorage.getItem(KEY);
    return value === "dark" || value === "light" ? value : undefined;
  } catch {
    return undefined;
  }
}
