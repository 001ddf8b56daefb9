// Compiles only where the printed types say what the hiring example holds.
import { PostgrestClient } from "@supabase/postgrest-js";
import type { Database } from "./database.js";

const client = new PostgrestClient<Database>("http://localhost/rest/v1");

export async function reads(): Promise<string[]> {
  const { data, error } = await client
    .from("posting")
    .select("id, title, salary_min, seniority, company(name, slug)")
    .eq("state", "published")
    .order("id");
  if (error) throw error;
  const first: number | undefined = data[0]?.salary_min;
  const level: "junior" | "mid" | "senior" | "staff" | "principal" | undefined = data[0]?.seniority;
  void first;
  void level;
  return data.map((row) => `${row.title} at ${row.company.name}`);
}

export async function writes(): Promise<void> {
  await client.from("skill").insert({ name: "Zig", slug: "zig", category: "language" });
  await client.from("skill").update({ category: "practice" }).eq("id", 1);
  // @ts-expect-error: the category is missing
  await client.from("skill").insert({ name: "Zig", slug: "zig" });
  // @ts-expect-error: no such category
  await client.from("skill").update({ category: "spoon" });
  // @ts-expect-error: computed by the database
  await client.from("posting").update({ salary_mid: 1 });
  // @ts-expect-error: no such table
  await client.from("spoon").select();
}

export async function calls(): Promise<number> {
  const { data } = await client.rpc("search_postings", { query: "rust", level: "senior" });
  const { data: funnel } = await client.rpc("hiring_funnel", { company: 1 });
  const reached: number = funnel?.[0]?.reached ?? 0;
  // @ts-expect-error: the argument is a number
  await client.rpc("hiring_funnel", { company: "one" });
  return reached + (data?.[0]?.salary_max ?? 0);
}
