// Chinese has to be readable on machines without a Chinese font too. The server has one, ten megabytes large; it is
// fetched only where it is needed.

const FAMILY = "Consilium Han";

/** Two different characters that look the same are two empty boxes. */
function canDrawHan() {
  const drawn = ["会", "诊"].map((character) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 24;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) return character;
    context.font = "20px sans-serif";
    context.fillText(character, 2, 20);
    return context.getImageData(0, 0, 24, 24).data.join();
  });
  return drawn[0] !== drawn[1];
}

/** Puts data-han="fetched" on the root element once the server's font can be used. */
export async function ensureHan() {
  if (canDrawHan()) return;
  try {
    await document.fonts.load(`16px "${FAMILY}"`, "会诊");
    document.documentElement.dataset.han = "fetched";
  } catch (error) {
    console.warn("no font for Chinese", error);
  }
}
