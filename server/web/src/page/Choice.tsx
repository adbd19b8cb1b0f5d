/** A button that opens a small panel of choices below it: Esc and a click elsewhere close it. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon } from "./Icon";
import { useBackCloses } from "./place";
import "../styles/choice.css";

interface Props {
  name: string;
  told: string;
  active: boolean;
  onOpen?: () => void;
  /** What is chosen from; a function of how to close it, where choosing one thing ends it. */
  children: ComponentChildren | ((close: () => void) => ComponentChildren);
}

export function Choice({ name, told, active, onOpen, children }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  useEffect(() => {
    if (!open) return undefined;
    const elsewhere = (event: Event): void => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", elsewhere);
    document.addEventListener("focusin", elsewhere);
    return () => {
      document.removeEventListener("pointerdown", elsewhere);
      document.removeEventListener("focusin", elsewhere);
    };
  }, [open]);

  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !open) return;
    event.stopPropagation();
    close();
  };
  const toggle = (): void => {
    if (!open) onOpen?.();
    setOpen(!open);
  };

  return (
    <div class="choice" ref={box} onKeyDown={onKeyDown}>
      <button
        ref={button}
        type="button"
        class={active ? "choice-button is-active" : "choice-button"}
        aria-expanded={open}
        aria-controls={id}
        aria-label={`${name}: ${told}`}
        onClick={toggle}
      >
        <span class="choice-told">{active ? told : name}</span>
        <Icon name="chevron" size={16} />
      </button>
      {open && (
        <Panel id={id} name={name} onBack={() => setOpen(false)}>
          {typeof children === "function" ? children(close) : children}
        </Panel>
      )}
    </div>
  );
}

function Panel({ id, name, onBack, children }: { id: string; name: string; onBack: () => void; children: ComponentChildren }) {
  useBackCloses(id, onBack);
  return (
    <div id={id} class="choice-panel" role="group" aria-label={name}>
      {children}
    </div>
  );
}
