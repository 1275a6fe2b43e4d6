import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The gateway serves the built folder under /static/graphiql/ and index.html at /graphql.
export default defineConfig({
  base: "/static/graphiql/",
  plugins: [react()],
  build: {
    outDir: "../../graphql/kedang_graphql/static/graphiql",
    emptyOutDir: true,
    chunkSizeWarningLimit: 5000,
    reportCompressedSize: false,
    rolldownOptions: {
      // "use no memo" is said to a compiler that has already run on these packages.
      onwarn: (warning, tell) => warning.code === "MODULE_LEVEL_DIRECTIVE" || tell(warning),
    },
  },
  logLevel: "warn",
  worker: { format: "es" },
});
