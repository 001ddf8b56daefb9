// The documents of the hiring example follow OpenAPI 3.1, by its JSON Schema, and their references lead somewhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";

const url = process.env.PLINTH_URL;

for (const [who, key] of [["anon", undefined], ["service_role", process.env.PLINTH_SERVICE_KEY]]) {
  test(`the document of ${who} is valid`, async () => {
    const headers = key ? { apikey: key } : {};
    const response = await fetch(`${url}/rest/v1/`, { headers });
    assert.equal(response.status, 200);
    const document = await response.json();
    assert.equal(document.openapi, "3.1.0");
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    assert.ok(result.valid, JSON.stringify(result.errors, null, 2));
    assert.equal(validator.version, "3.1");
    const find = (reference) =>
      reference.slice(2).split("/").reduce((at, part) => at?.[part], document);
    JSON.stringify(document, (name, value) => {
      if (name === "$ref") assert.ok(find(value), value);
      return value;
    });
  });
}
