/** A readable page of the OpenAPI document: operations by subject, each folded, and the schemas that they speak of. */
import { Fragment, render } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { currentSession, read } from "../api/client";
import type { Session } from "../api/types";
import { markDocument, t, useLanguage } from "../i18n";
import { Header } from "../page/Header";
import { steps, usePlace } from "../page/place";
import { wordsOf } from "../page/reading";
import { type Document, type Operation, type Schema, fieldsOf, sought, subjectsOf, typeOf } from "./describe";
import "../styles/base.css";
import "../styles/start.css";
import "../styles/docs.css";

const ADDRESS = "/v1/openapi.json";

function Docs() {
  useLanguage();
  const { search } = usePlace();
  const words = new URLSearchParams(search).get("q") ?? "";
  const [session, setSession] = useState<Session | null>(null);
  const [document_, setDocument] = useState<Document | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    currentSession().then(setSession, () => undefined);
    read<Document>(ADDRESS).then(setDocument, (error: unknown) => setTrouble(wordsOf(error)));
  }, []);
  const subjects = useMemo(() => (document_ ? subjectsOf(document_) : []), [document_]);
  const found = useMemo(() => sought(subjects, words), [subjects, words]);
  const schemas = Object.entries((document_?.components?.["schemas"] ?? {}) as Record<string, Schema>);
  useEffect(() => {
    if (document_ && location.hash) unfold(decodeURIComponent(location.hash.slice(1)));
  }, [document_]);
  return (
    <div class="page">
      <Header here="docs" session={session} />
      <main class="docs">
        <h1>{t("docs.title")}</h1>
        <p class="lead">{t("docs.lead")} <a href={ADDRESS}>openapi.json</a></p>
        <label class="docs-search">
          <span>{t("docs.search")}</span>
          <input type="search" value={words} maxLength={100} onInput={(event) => steps.settle(asked(event.currentTarget.value))} />
        </label>
        {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
        {trouble === null && <p class="faint" role="status">{document_ ? t("docs.count", { n: found.reduce((all, { operations }) => all + operations.length, 0) }) : t("live.loading")}</p>}
        {found.map((subject) => (
          <section key={subject.name} aria-labelledby={`subject-${subject.name}`}>
            <h2 id={`subject-${subject.name}`}>{subject.words}</h2>
            {subject.operations.map((operation) => (
              <Folded key={operation.id} operation={operation} />
            ))}
          </section>
        ))}
        {document_ && words === "" && (
          <section aria-labelledby="schemas">
            <h2 id="schemas">{t("docs.schemas")}</h2>
            {schemas.map(([name, schema]) => (
              <details key={name} id={`schema-${name}`} class="docs-one">
                <summary><code>{name}</code></summary>
                <div class="docs-body">
                  {schema.description && <p>{schema.description}</p>}
                  <Shape schema={schema} />
                </div>
              </details>
            ))}
          </section>
        )}
      </main>
    </div>
  );
}

function asked(words: string): URLSearchParams {
  return new URLSearchParams(words ? { q: words } : {});
}

/** Open what a link leads to. */
function unfold(id: string): void {
  const there = document.getElementById(id);
  if (there instanceof HTMLDetailsElement) there.open = true;
  there?.scrollIntoView();
}

function Folded({ operation }: { operation: Operation }) {
  const [open, setOpen] = useState(false);
  return (
    <details id={operation.id} class="docs-one" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span class={`docs-method is-${operation.method.toLowerCase()}`}>{operation.method}</span> <code>{operation.path}</code> <span class="docs-words">{operation.summary}</span>
      </summary>
      {open && <Unfolded operation={operation} />}
    </details>
  );
}

function Unfolded({ operation }: { operation: Operation }) {
  return (
    <div class="docs-body">
      {operation.description && <p class="docs-text">{operation.description.replaceAll("``", "`")}</p>}
      <p>{operation.security.length > 0 ? t("docs.security", { ways: operation.security.join(t("list.comma")) }) : t("docs.public")}</p>
      {operation.parameters.length > 0 && (
        <>
          <h3>{t("docs.parameters")}</h3>
          <Rows rows={operation.parameters.map((each) => [each.name, each.in, each.schema, each.required ?? false, each.description])} />
        </>
      )}
      {operation.bodies.length > 0 && <h3>{t("docs.body")}</h3>}
      {operation.bodies.map(([kind, schema]) => (
        <Typed key={kind} kind={kind} schema={schema} />
      ))}
      <h3>{t("docs.answers")}</h3>
      {operation.answers.map(({ status, words, bodies }) => (
        <Fragment key={status}>
          <p><code>{status}</code> {words}</p>
          {bodies.map(([kind, schema]) => (
            <Typed key={kind} kind={kind} schema={schema} />
          ))}
        </Fragment>
      ))}
    </div>
  );
}

function Typed({ kind, schema }: { kind: string; schema: Schema | undefined }) {
  return (
    <>
      <p class="docs-kind"><code>{kind}</code> <Type schema={schema} /></p>
      {schema && !schema.$ref && <Shape schema={schema} />}
    </>
  );
}

function Shape({ schema }: { schema: Schema }) {
  const fields = fieldsOf(schema);
  if (fields.length === 0) return <p><Type schema={schema} /></p>;
  return <Rows rows={fields.map(([name, field, required]) => [name, "", field, required, field.description])} />;
}

type Row = [name: string, where: string, schema: Schema | undefined, required: boolean, words: string | undefined];

function Rows({ rows }: { rows: Row[] }) {
  return (
    <dl class="docs-rows">
      {rows.map(([name, where, schema, required, words]) => (
        <div key={`${where} ${name}`}>
          <dt><code>{name}</code>{where && <small>{where}</small>}{required && <small>{t("docs.required")}</small>}</dt>
          <dd><Type schema={schema} />{words && <span>{words}</span>}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The line of a type, with the names of components as links. */
function Type({ schema }: { schema: Schema | undefined }) {
  return (
    <code class="docs-type">
      {typeOf(schema).split(/(\[\w+\])/).map((part, index) => {
        const name = /^\[(\w+)\]$/.exec(part)?.[1];
        return name ? <a key={index} href={`#schema-${name}`} onClick={() => unfold(`schema-${name}`)}>{name}</a> : part;
      })}
    </code>
  );
}

markDocument("docs.title");
render(<Docs />, document.getElementById("app") as HTMLElement);
