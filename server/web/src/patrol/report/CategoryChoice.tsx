/** What it is: by the worker's habits, by pictures, by words or pinyin initials. */
import { useState } from "preact/hooks";
import { t } from "../../i18n";
import { usePhone } from "../shell/live";
import { type Category, found, habits, nameOf, useCatalogue } from "./catalogue";
import { glyphOf } from "./glyphs";

export function CategoryChoice({ chosen, onChoose }: { chosen: string | null; onChoose: (code: string | null) => void }) {
  const { phone, book } = usePhone();
  const categories = useCatalogue(phone);
  const [typed, setTyped] = useState("");
  const [first, setFirst] = useState<string | null>(null);
  const category = categories.find(({ code }) => code === chosen);
  const choose = (code: string | null): void => {
    setTyped("");
    setFirst(null);
    onChoose(code);
  };
  if (category !== undefined) return <Chosen category={category} onAgain={() => choose(null)} />;
  const usual = habits(book.issues, categories);
  const shown = typed ? found(categories, typed) : categories.filter(({ parent }) => parent === first && first !== null);
  return (
    <section aria-labelledby="what">
      <h2 id="what">{t("patrol.category")}</h2>
      {categories.length === 0 && <p class="notice">{t("patrol.category.none")}</p>}
      <label class="patrol-field" for="category">
        <span>{t("patrol.category.find")}</span>
        <input id="category" type="search" value={typed} autocomplete="off" autocapitalize="off" onInput={({ currentTarget }) => setTyped(currentTarget.value)} />
      </label>
      {typed === "" && first === null && usual.length > 0 && <Buttons label={t("patrol.category.usual")} categories={usual} onChoose={choose} />}
      {typed === "" && first === null && (
        <div class="patrol-pictures" role="group" aria-label={t("patrol.category.pictures")}>
          {categories.filter(({ parent }) => parent === null).map((each) => (
            <button key={each.code} type="button" onClick={() => setFirst(each.code)}>
              <Glyph code={each.code} />
              <span>{nameOf(each)}</span>
            </button>
          ))}
        </div>
      )}
      {shown.length > 0 && <Buttons label={t("patrol.category.which")} categories={shown} onChoose={choose} />}
      {typed !== "" && shown.length === 0 && <p class="faint">{t("patrol.category.notfound")}</p>}
      {typed === "" && first !== null && <button type="button" class="patrol-plain" onClick={() => setFirst(null)}>{t("patrol.category.back")}</button>}
    </section>
  );
}

function Buttons({ label, categories, onChoose }: { label: string; categories: readonly Category[]; onChoose: (code: string) => void }) {
  return (
    <div class="patrol-categories" role="group" aria-label={label}>
      {categories.map((category) => (
        <button key={category.code} type="button" onClick={() => onChoose(category.code)}>
          <Glyph code={category.code} />
          <span>{nameOf(category)}</span>
          {category.private && <span class="patrol-tier">{t("patrol.category.private")}</span>}
        </button>
      ))}
    </div>
  );
}

function Chosen({ category, onAgain }: { category: Category; onAgain: () => void }) {
  return (
    <section aria-labelledby="what">
      <h2 id="what">{t("patrol.category")}</h2>
      <p class="patrol-lead"><Glyph code={category.code} /> {nameOf(category)}</p>
      {category.file_when.zh !== "" && <p class="faint">{nameOf(category.file_when)}</p>}
      {category.private && <p class="notice">{t("patrol.category.private.why")}</p>}
      <button type="button" class="patrol-plain" onClick={onAgain}>{t("patrol.category.again")}</button>
    </section>
  );
}

function Glyph({ code }: { code: string }) {
  return <svg class="icon" width="32" height="32" viewBox="0 0 24 24" aria-hidden="true"><path d={glyphOf(code)} /></svg>;
}
