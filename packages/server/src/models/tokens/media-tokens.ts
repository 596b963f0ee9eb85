import type { ContentPart, Media } from "@tutti/core/model";
import { countText, estimateTokens, type TokenCount } from "./count-tokens.ts";
import type { Family, ImageRule } from "./families.ts";
import { imageSizeOf, type ImageSize } from "./image-size.ts";

/** What an image counts for that is not here but at a URL or with the provider. */
const SIZE_UNKNOWN: ImageSize = { width: 1024, height: 1024 };
/** Compressed sound, where its header does not say: 128 kbit/s. */
const SOUND_BYTES_PER_SECOND = 16_000;
const SOUND_ELSEWHERE_SECONDS = 30;
/** A page of a PDF holds about so many bytes, and counts for about so many tokens (Anthropic: 1,500 to 3,000). */
const PDF_BYTES_PER_PAGE = 50_000;
const PDF_TOKENS_PER_PAGE = 2_000;

/** The tokens of a part that is not text. What is not here to look at counts with a bound of ±100 %. */
export function countMedia(family: Family, part: Extract<ContentPart, { type: "image" | "audio" | "file" }>): TokenCount {
  if (part.type === "image") return countImage(family, part.media, part.detail === "low");
  if (part.type === "audio") return countSound(family, part.media);
  return countFile(family, part.media);
}

function countImage(family: Family, media: Media, isLow: boolean): TokenCount {
  const size = "data" in media ? imageSizeOf(media.data) : undefined;
  const tokens = imageTokens(family.images, size ?? SIZE_UNKNOWN, isLow);
  return { tokens, errorBound: size === undefined ? 1 : family.scale === undefined ? 0.05 : 0.25 };
}

function imageTokens(rule: ImageRule, { width, height }: ImageSize, isLow: boolean): number {
  const pixels = Math.max(1, width) * Math.max(1, height);
  switch (rule.by) {
    case "tiles":
      return isLow ? rule.base : rule.base + rule.perTile * tilesOf(width, height);
    case "patches": {
      const patches = Math.ceil(width / 32) * Math.ceil(height / 32);
      return Math.ceil(Math.min(patches, 1536) * rule.perPatch);
    }
    case "area": {
      const shrink = Math.min(1, rule.sideMax / Math.max(width, height));
      return Math.min(rule.tokensMax, Math.ceil((pixels * shrink * shrink) / rule.pixelsPerToken));
    }
    case "crops": {
      if (width <= rule.sizeMax && height <= rule.sizeMax) return rule.perCrop;
      const side = Math.min(768, Math.max(256, Math.floor(Math.min(width, height) / 1.5)));
      return rule.perCrop * Math.ceil(width / side) * Math.ceil(height / side);
    }
  }
}

/** OpenAI's steps: into 2048 × 2048, the shorter side to 768, then squares of 512. */
function tilesOf(width: number, height: number): number {
  const fit = Math.min(1, 2048 / Math.max(width, height));
  const shrink = fit * Math.min(1, 768 / (Math.min(width, height) * fit));
  return Math.ceil((width * shrink) / 512) * Math.ceil((height * shrink) / 512);
}

function countSound(family: Family, media: Media): TokenCount {
  if (!("data" in media)) return { tokens: SOUND_ELSEWHERE_SECONDS * family.audioTokensPerSecond, errorBound: 1 };
  const head = Buffer.from(media.data.slice(0, 64), "base64");
  const isWave = head.length >= 32 && head.toString("latin1", 8, 12) === "WAVE";
  const bytesPerSecond = isWave ? Math.max(1, head.readUInt32LE(28)) : SOUND_BYTES_PER_SECOND;
  const seconds = (media.data.length * 0.75) / bytesPerSecond;
  return { tokens: Math.ceil(seconds * family.audioTokensPerSecond), errorBound: isWave ? 0.1 : 1 };
}

function countFile(family: Family, media: Media): TokenCount {
  if (!("data" in media)) return { tokens: PDF_TOKENS_PER_PAGE, errorBound: 1 };
  if (/^text\/|json|xml|yaml/.test(media.mediaType)) return countText(family, Buffer.from(media.data, "base64").toString());
  const bytes = media.data.length * 0.75;
  const isPdf = media.mediaType === "application/pdf";
  return { tokens: isPdf ? Math.ceil(bytes / PDF_BYTES_PER_PAGE) * PDF_TOKENS_PER_PAGE : estimateTokens(bytes), errorBound: 1 };
}
