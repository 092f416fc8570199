// Pages of records as an API sends them, and the schema that they are held to.

import { z } from "zod";

export interface Post {
  readonly id: string;
  readonly author: string;
  readonly text: string;
  readonly language: "de" | "en" | "fr";
  readonly likes: number;
  readonly replies: number;
  readonly reposts: number;
  readonly isReply: boolean;
  readonly tags: readonly string[];
  readonly createdAt: number;
}

export const post: z.ZodType<Post> = z.object({
  id: z.string(),
  author: z.string(),
  text: z.string(),
  language: z.enum(["de", "en", "fr"]),
  likes: z.number().int(),
  replies: z.number().int(),
  reposts: z.number().int(),
  isReply: z.boolean(),
  tags: z.array(z.string()),
  createdAt: z.number(),
});

const PAGES = 100;
const RECORDS = 100;

/** As JSON, with no id twice. Of bad ones, each has one wrong field. */
export function pagesOf(quality: "good" | "bad"): readonly string[] {
  return Array.from({ length: PAGES }, (_, page) =>
    JSON.stringify(Array.from({ length: RECORDS }, (_, index) => record(page * RECORDS + index, quality))),
  );
}

function record(index: number, quality: "good" | "bad"): unknown {
  return {
    id: `17${String(index).padStart(17, "0")}`,
    author: `author-${index % 97}`,
    text: `What was written in the post of number ${index}, which is about as long as such posts are when people write them.`,
    language: ["de", "en", "fr"][index % 3],
    likes: quality === "good" ? index % 1000 : "many",
    replies: index % 7,
    reposts: index % 11,
    isReply: index % 2 === 0,
    tags: ["first", "second"],
    createdAt: 1_700_000_000_000 + index,
  };
}
