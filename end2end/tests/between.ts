// A server between browser and site, on an origin of its own. It can do what CDNs and browsers do to a visit: cut queries, lose
// cookies, hold responses back. It also serves pages of its own, which lead to the site.
import { createServer, request, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { visitorHeaders } from "./site";

type Options = {
  /** Pages of the server's own, by path. */
  pages?: Record<string, string>;
  /** Cuts the query of documents, as CDNs do that keep one copy of a page for all queries. */
  cutsQuery?: boolean;
  /** Lets no cookie pass, as a browser that keeps none. */
  losesCookies?: boolean;
  /** Holds the responses to the first documents back until there are so many. */
  waitsFor?: number;
};

export type Between = {
  url: string;
  /** The requests that reached the site, in order: method, path and headers. */
  seen: { method: string; url: string; headers: IncomingHttpHeaders }[];
  close: () => Promise<void>;
};

export async function between(site: string, options: Options = {}): Promise<Between> {
  const visitor = visitorHeaders();
  const seen: Between["seen"] = [];
  const held: (() => void)[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method = "GET", url = "/" } = incoming;
    const page = options.pages?.[url.split("?")[0]];
    if (page !== undefined) {
      outgoing.writeHead(200, { "content-type": "text/html" });
      return outgoing.end(page);
    }
    const isDocument = method === "GET" && /text\/html/.test(incoming.headers.accept ?? "");
    const headers: IncomingHttpHeaders = { ...incoming.headers, ...visitor };
    // Headless Chromium names itself here, and arrivals of headless browsers do not count.
    delete headers["sec-ch-ua"];
    if (options.losesCookies) delete headers.cookie;
    const path = options.cutsQuery && isDocument ? url.split("?")[0] : url;
    seen.push({ method, url, headers: incoming.headers });
    const through = request(`${site}${path}`, { method, headers }, (response) => {
      const answer = () => {
        const headers = { ...response.headers };
        if (options.losesCookies) delete headers["set-cookie"];
        outgoing.writeHead(response.statusCode ?? 502, headers);
        response.pipe(outgoing);
      };
      const awaited = options.waitsFor ?? 0;
      if (!isDocument || held.length >= awaited) return answer();
      held.push(answer);
      if (held.length === awaited) held.forEach((answer) => answer());
    });
    through.on("error", () => outgoing.destroy());
    incoming.pipe(through);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const close = () =>
    new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, close };
}
