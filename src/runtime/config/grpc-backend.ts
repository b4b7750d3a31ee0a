import { z } from "zod";
import { backend } from "./backends.ts";

/** A gRPC backend of a service: the keys of the others, and URLs as the field writes them: `host:port`, `grpc://`, `grpcs://`, `http(s)://`. */
export const grpcBackend = () =>
  z.preprocess(
    withUrls,
    backend().refine(({ health_check }) => health_check?.enabled !== true, {
      path: ["health_check"],
      error: "grpc backends have no active checks; remove health_check or set enabled: false",
    }),
  );

function withUrls(given: unknown): unknown {
  if (typeof given !== "object" || given === null) return given;
  const { url, urls, ...rest } = given as Record<string, unknown>;
  return {
    ...rest,
    ...(url !== undefined && { url: httpUrl(url) }),
    ...(urls !== undefined && { urls: Array.isArray(urls) ? urls.map(entry) : urls }),
  };
}

function entry(given: unknown): unknown {
  if (typeof given !== "object" || given === null) return httpUrl(given);
  return "url" in given ? { ...given, url: httpUrl(given.url) } : given;
}

function httpUrl(given: unknown): unknown {
  if (typeof given !== "string") return given;
  if (/^grpcs?:\/\//.test(given)) return given.replace(/^grpc/, "http");
  return /^[^/:\s]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(given) ? `http://${given}` : given;
}
