// One of several, as a row of buttons.
interface ChoicesProps {
  readonly title: string;
  readonly name: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly chosen: string;
  readonly choose: (value: string) => void;
}

export function Choices({ title, name, options, chosen, choose }: ChoicesProps) {
  return (
    <fieldset class="choices">
      <legend class="unseen">{title}</legend>
      {options.map(([value, text]) => (
        <label key={value}>
          <input type="radio" name={name} checked={chosen === value} onChange={() => choose(value)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}
