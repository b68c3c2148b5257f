/** A dialog of our own: Airflow's frame forbids those of the browser. Focus stays inside; Escape closes. */

import { useEffect, useRef } from "react";
import { Cap } from "./Cap";

export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: React.ReactNode;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    // What is marked as first gets the focus instead of the button that closes.
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      className="m-auto max-h-[90vh] w-[min(44rem,94vw)] overflow-auto rounded-lg border border-line bg-panel p-4 text-ink backdrop:bg-black/50"
    >
      <div className="mb-3 flex items-center justify-between gap-4">
        <h2 className="text-base font-semibold">{title}</h2>
        <button type="button" className="button" onClick={onClose}>
          Close <Cap>Esc</Cap>
        </button>
      </div>
      {children}
    </dialog>
  );
}
