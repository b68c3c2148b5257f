/** Dark or light as Airflow was told, which keeps its choice beside ours; else as the system says. */

const AIRFLOWS_KEY = "theme";

function wantsDark(): boolean {
  let chosen: string | null = null;
  try {
    chosen = localStorage.getItem(AIRFLOWS_KEY);
  } catch {
    // Storage is forbidden: the system decides.
  }
  if (chosen === "dark" || chosen === "light") return chosen === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Apply it now and whenever Airflow or the system changes it. */
export function followTheme(): void {
  const apply = () => document.documentElement.classList.toggle("dark", wantsDark());
  apply();
  // Changes by Airflow around our frame arrive as storage events.
  addEventListener("storage", apply);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
}
