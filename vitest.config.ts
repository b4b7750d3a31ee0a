import { defineConfig } from "vitest/config";

const real = {
  disableConsoleIntercept: true,
  pool: "forks",
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 10_000 } },
} as const;

export default defineConfig({
  test: {
    reporters: ["default", "./scripts/closing-line.mjs"],
    globalSetup: "./scripts/build-kernel.mjs",
    projects: [
      { test: { name: "unit", include: ["src/**/*.test.{ts,tsx}"], pool: "threads" } },
      {
        test: {
          name: "vectors",
          include: ["test/golden/**/*.test.ts"],
          pool: "threads",
          testTimeout: 120_000,
        },
      },
      {
        test: {
          ...real,
          name: "integration",
          include: ["test/integration/**/*.test.{ts,tsx}"],
          fileParallelism: false,
        },
      },
      {
        test: {
          ...real,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 300_000,
          // Commands that end by themselves may run beside each other.
          maxConcurrency: 2,
        },
      },
    ],
  },
});
