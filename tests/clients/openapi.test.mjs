// The documents of the hiring example follow OpenAPI 3.1 and 2.0, by their JSON Schemas, their references lead somewhere, and no
// operation's id is there twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";

const url = process.env.PLINTH_URL;

const documents = [
  ["anon", undefined, "3.1"],
  ["service_role", process.env.PLINTH_SERVICE_KEY, "3.1"],
  ["anon", undefined, "2.0"],
  ["service_role", process.env.PLINTH_SERVICE_KEY, "2.0"],
];

for (const [who, key, version] of documents) {
  test(`the document of ${who} in ${version} is valid`, async () => {
    const headers = { accept: version === "2.0" ? "application/openapi+json;version=2.0" : "*/*" };
    if (key) headers.apikey = key;
    const response = await fetch(`${url}/rest/v1/`, { headers });
    assert.equal(response.status, 200);
    const document = await response.json();
    assert.equal(document.openapi ?? document.swagger, version === "2.0" ? "2.0" : "3.1.0");
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    assert.ok(result.valid, JSON.stringify(result.errors, null, 2));
    assert.equal(validator.version, version);
    const find = (reference) =>
      reference.slice(2).split("/").reduce((at, part) => at?.[part], document);
    const ids = [];
    JSON.stringify(document, (name, value) => {
      if (name === "$ref") assert.ok(find(value), value);
      if (name === "operationId") ids.push(value);
      return value;
    });
    assert.equal(new Set(ids).size, ids.length, "ids of operations");
    const methods = Object.values(document.paths).flatMap(Object.keys).filter((name) => !name.startsWith("x-"));
    assert.equal(ids.length, methods.length, "operations with an id");
  });
}
