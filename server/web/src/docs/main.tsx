/** A readable page of the OpenAPI document, drawn by Swagger UI from this site's own files. */
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import { markDocument, t, useLanguage } from "../i18n";
import { Header } from "../page/Header";
import "../styles/base.css";
import "../styles/start.css";

function Docs() {
  useLanguage();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    SwaggerUI({
      domNode: box.current,
      url: "/v1/openapi.json",
      deepLinking: true,
      validatorUrl: null, // the default one is another host
      supportedSubmitMethods: [],
    });
  }, []);
  return (
    <div class="page">
      <Header here="docs" />
      <main class="docs">
        <h1>{t("docs.title")}</h1>
        <p class="lead">{t("docs.lead")} <a href="/v1/openapi.json">openapi.json</a></p>
        <div ref={box} />
      </main>
    </div>
  );
}

markDocument();
render(<Docs />, document.getElementById("app") as HTMLElement);
