import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "./app.css";
import { App } from "./App";
import { followTheme } from "./lib/theme";

followTheme();
// In a frame of Airflow, keys go to the page around it until ours has the focus.
if (window.parent !== window) window.focus();
const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
