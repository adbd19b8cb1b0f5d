/** A PIN as it is typed: digits alone, with the keyboard of digits. */
interface Props {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly isNew: boolean;
  readonly onChange: (digits: string) => void;
}

export function PinField({ id, label, value, isNew, onChange }: Props) {
  return (
    <label class="patrol-field" for={id}>
      <span>{label}</span>
      <input
        id={id}
        class="patrol-pin"
        type="password"
        inputMode="numeric"
        autocomplete={isNew ? "new-password" : "current-password"}
        maxLength={8}
        value={value}
        onInput={({ currentTarget }) => {
          currentTarget.value = currentTarget.value.replace(/\D/g, "");
          onChange(currentTarget.value);
        }}
      />
    </label>
  );
}
