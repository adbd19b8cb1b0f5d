/** The catalogue as two levels of checkboxes: a first level stands for all below it. */
import { useState } from "preact/hooks";
import type { Category } from "../api/types";
import { pick } from "../i18n";
import { Icon } from "../page/Icon";
import { toggleCategory } from "./filters";

interface Props {
  categories: readonly Category[];
  chosen: readonly string[];
  onChange: (codes: string[]) => void;
}

export function CategoryTree({ categories, chosen, onChange }: Props) {
  const [opened, setOpened] = useState<ReadonlySet<string>>(() => new Set(chosen.map((code) => code.slice(0, 2))));
  const toggleOpen = (code: string): void => {
    const next = new Set(opened);
    if (!next.delete(code)) next.add(code);
    setOpened(next);
  };
  return (
    <ul class="tree">
      {categories
        .filter((category) => category.parent === null)
        .map((category) => (
          <Branch
            key={category.code}
            category={category}
            below={categories.filter((one) => one.parent === category.code)}
            chosen={chosen}
            open={opened.has(category.code)}
            onOpen={() => toggleOpen(category.code)}
            onChange={onChange}
          />
        ))}
    </ul>
  );
}

interface BranchProps {
  category: Category;
  below: readonly Category[];
  chosen: readonly string[];
  open: boolean;
  onOpen: () => void;
  onChange: (codes: string[]) => void;
}

function Branch({ category, below, chosen, open, onOpen, onChange }: BranchProps) {
  const siblings = below.map((one) => one.code);
  const whole = chosen.includes(category.code);
  const some = !whole && siblings.some((code) => chosen.includes(code));
  return (
    <li>
      <div class="tree-head">
        <Box label={`${category.code} ${pick(category)}`} checked={whole} some={some} onChange={() => onChange(toggleCategory(chosen, category.code, siblings))} />
        <button type="button" class="tree-open" aria-expanded={open} aria-label={pick(category)} onClick={onOpen}>
          <Icon name="chevron" size={16} />
        </button>
      </div>
      {open && (
        <ul>
          {below.map((one) => (
            <li key={one.code}>
              <Box
                label={`${one.code} ${pick(one)}`}
                checked={whole || chosen.includes(one.code)}
                some={false}
                onChange={() => onChange(toggleCategory(chosen, one.code, siblings))}
              />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function Box({ label, checked, some, onChange }: { label: string; checked: boolean; some: boolean; onChange: () => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} indeterminate={some} onChange={onChange} />
      <span>{label}</span>
    </label>
  );
}
