import { startLoopbackS3 } from "@holdfast/testing";
import { describe, expect, it } from "vitest";

const put = (url: string, body: string, headers: Record<string, string> = {}) =>
  fetch(url, { method: "PUT", body, headers });

describe("the loopback server of S3's conditional writes", () => {
  it("gives back what was put, with its metadata, until it is deleted", async () => {
    await using server = await startLoopbackS3({ bucket: "b" });
    const url = `${server.url}/b/a%20name/with%25`;
    expect((await put(url, "text", { "x-amz-meta-mark": "1" })).status).toBe(200);
    const found = await fetch(url);
    expect([found.headers.get("x-amz-meta-mark"), await found.text()]).toEqual(["1", "text"]);
    expect([...server.objects.keys()]).toEqual(["a name/with%"]);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(204);
    const missing = await fetch(url);
    expect([missing.status, await missing.text()]).toEqual([404, expect.stringContaining("<Code>NoSuchKey</Code>")]);
    expect(await (await fetch(`${server.url}/other/a`)).text()).toContain("NoSuchBucket");
  });

  it("writes under If-None-Match: * only where nothing is, and under If-Match only over what has that ETag", async () => {
    await using server = await startLoopbackS3({ bucket: "b" });
    const url = `${server.url}/b/a`;
    expect((await put(url, "1", { "if-match": '"0"' })).status).toBe(404);
    const made = await put(url, "1", { "if-none-match": "*" });
    expect(made.status).toBe(200);
    const etag = made.headers.get("etag") ?? "";
    expect((await put(url, "2", { "if-none-match": "*" })).status).toBe(412);
    expect((await put(url, "2", { "if-match": '"0"' })).status).toBe(412);
    expect((await put(url, "2", { "if-match": etag })).status).toBe(200);
    expect((await put(url, "3", { "if-match": etag })).status).toBe(412);
    expect(await (await fetch(url)).text()).toBe("2");
  });

  it("lists names by prefix, in pages", async () => {
    await using server = await startLoopbackS3({ bucket: "b", pageSize: 2 });
    for (const name of ["a1", "a3", "b", "a2&"]) await put(`${server.url}/b/${encodeURIComponent(name)}`, "");
    const list = async (more = "") => await (await fetch(`${server.url}/b/?list-type=2&prefix=a${more}`)).text();
    expect(await list()).toBe(
      "<ListBucketResult><Contents><Key>a1</Key></Contents><Contents><Key>a2&amp;</Key></Contents>" +
        "<NextContinuationToken>a2&amp;</NextContinuationToken><IsTruncated>true</IsTruncated></ListBucketResult>",
    );
    expect(await list("&continuation-token=a2%26")).toBe(
      "<ListBucketResult><Contents><Key>a3</Key></Contents><IsTruncated>false</IsTruncated></ListBucketResult>",
    );
  });

  it("misbehaves as it is told", async () => {
    const deeds = ["write anyway", { status: 501, code: "NotImplemented" }, "lose the answer", "obey"] as const;
    let next = 0;
    await using server = await startLoopbackS3({ bucket: "b", deed: () => deeds[next++] ?? "cut the answer" });
    const url = `${server.url}/b/a`;
    expect((await put(url, "1", { "if-match": '"0"' })).status).toBe(200);
    expect((await put(url, "2")).status).toBe(501);
    await expect(put(url, "3")).rejects.toThrow();
    expect(await (await fetch(url)).text()).toBe("3");
    await expect(fetch(url).then((cut) => cut.text())).rejects.toThrow();
  });
});
