// Copies the fonts of PDF files, Noto Sans SC (SIL Open Font License 1.1), to where papers are set.
import { copyFileSync, mkdirSync } from "node:fs";

const from = new URL("node_modules/@expo-google-fonts/noto-sans-sc/", import.meta.url);
const to = new URL("../platform/kedang_platform/documents/fonts/", import.meta.url);

mkdirSync(to, { recursive: true });
copyFileSync(new URL("LICENSE_FONT", from), new URL("OFL.txt", to));
// Last, since the last of them tells `make web` that all are there.
for (const weight of ["700Bold", "400Regular"]) {
  const name = `NotoSansSC_${weight}.ttf`;
  copyFileSync(new URL(`${weight}/${name}`, from), new URL(name, to));
}
