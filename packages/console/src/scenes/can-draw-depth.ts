/** Renderers that draw with the processor: a picture in depth would take it from everything else. */
const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;

let known: boolean | undefined;

/** Whether this browser draws in depth with hardware of its own (WebGL 2). Asked once. */
export function canDrawDepth(): boolean {
  return (known ??= ask());
}

function ask(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  if (context === null) return false;
  const names = context.getExtension("WEBGL_debug_renderer_info");
  const renderer = names === null ? "" : String(context.getParameter(names.UNMASKED_RENDERER_WEBGL));
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return !SOFTWARE.test(renderer);
}
