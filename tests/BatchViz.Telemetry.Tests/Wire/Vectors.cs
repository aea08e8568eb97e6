using System.Text.Json.Nodes;
using BatchViz.Telemetry.Wire;

namespace BatchViz.Telemetry.Tests.Wire;

/// <summary>
/// The byte vectors of tests/vectors/wire: each is NAME.bin, made here by the encoder, and NAME.json with what a reader must find
/// in it: { "kind": "frame" | "tile" | "evaluations" | "paths" | "grid", "expect": … } with the property names of Stage's wire.ts.
/// Numbers that JSON cannot hold are the texts "NaN", "Infinity" and "-Infinity".
/// </summary>
internal static class Vectors
{
    private static readonly int[] Live = [0, 1, Logs.Seconds];

    /// <summary>All vectors, in order of their names; a function of nothing.</summary>
    public static IEnumerable<(string Name, string Kind, byte[] Bytes, JsonObject Expect)> All()
    {
        FrameRun[] runs = [new(Logs.New(), new()), new(Logs.New(), new()), new(Logs.New(), new())];
        var encoder = new FrameEncoder(Live);
        var state = new FrameState(
            Held: false,
            Finished: false,
            Generation: 7,
            Revision: 2,
            Plane: 0,
            Grid: 0,
            Resolution: 0,
            Viewers: 3,
            Seconds: 0.25
        );

        yield return Frame("frame-0-empty", encoder.Next(state, runs));

        runs[0].Log.Enter(RunState.Running);
        runs[1].Log.Enter(RunState.Running);
        Logs.Append(runs[0].Log, 7, Value);
        Logs.Append(runs[1].Log, 90, Value);
        runs[1].Log.Evaluations.Add(new(0, 2.25f, 2.5f, 0.125f, 0));
        runs[1].Log.Evaluations.Add(new(64, 1.5f, float.NaN, float.NaN, 0.0625f));
        runs[1].Path.Add(new(0, -1.5f, 0.25f, 2.25f, 0.5f));
        yield return Frame("frame-1-records", encoder.Next(state with { Plane = 1, Grid = 1, Resolution = 9, Seconds = 0.5 }, runs));

        Logs.Append(runs[0].Log, 4096, Value);
        runs[2].Log.Enter(RunState.Running);
        Logs.Append(
            runs[2].Log,
            5,
            (c, r) =>
                c == 0
                    ? r switch
                    {
                        0 => float.NaN,
                        1 => float.PositiveInfinity,
                        2 => float.NegativeInfinity,
                        3 => 1,
                        _ => float.NaN,
                    }
                    : r
        );
        runs[2].Log.Enter(RunState.Diverged, "Diverged at update 5: its loss or gradient is not a finite number.");
        yield return Frame("frame-2-diverged", encoder.Next(state with { Plane = 1, Grid = 1, Resolution = 33, Seconds = 0.75 }, runs));

        runs[1] = runs[1] with { Path = new() };
        runs[1].Path.Add(new(0, 0.5f, -0.5f, 2.25f, 0));
        runs[1].Path.Add(new(90, 1, -1, float.PositiveInfinity, 0.125f));
        yield return Frame(
            "frame-3-new-plane",
            encoder.Next(state with { Plane = 2, Grid = 2, Held = true, Viewers = 0, Seconds = 1 }, runs)
        );

        yield return Frame("frame-4-heads", encoder.Heads(state with { Plane = 2, Grid = 2, Held = true, Seconds = 1 }, runs));

        runs[0].Log.Enter(RunState.Finished);
        runs[1].Log.Enter(RunState.Stopped, "Stopped after update 90.");
        yield return Frame(
            "frame-5-finished",
            encoder.Next(state with { Plane = 2, Grid = 2, Resolution = 65, Finished = true, Revision = 3, Seconds = 1.25 }, runs)
        );

        var (open, _, _) = Blocks.Tile(7, 0, LogOf(1100, ended: false), [0, 1], 0, 1)!.Value;
        yield return Tile("tile-head", open!);
        var (whole, _, _) = Blocks.Tile(7, 1, LogOf(5000, ended: false), [0], 1, 0)!.Value;
        yield return Tile("tile-whole", whole!);
        var (last, _, _) = Blocks.Tile(7, 1, LogOf(4203, ended: true), [0, 4, Logs.Seconds], 2, 0)!.Value;
        yield return Tile("tile-ended", last!);
        var (none, _, _) = Blocks.Tile(7, 2, Logs.New(), [0], 3, 0)!.Value;
        yield return Tile("tile-empty", none!);

        yield return (
            "evaluations",
            "evaluations",
            Blocks.Evaluations(7, 1, runs[1].Log.Evaluations),
            List(Decoder.List(Blocks.Evaluations(7, 1, runs[1].Log.Evaluations), "BVE1"))
        );
        yield return (
            "paths",
            "paths",
            Blocks.Paths(7, 2, 1, runs[1].Path),
            List(Decoder.List(Blocks.Paths(7, 2, 1, runs[1].Path), "BVP1"))
        );
        float[] losses =
        [
            .. Enumerable
                .Range(0, 81)
                .Select(i =>
                    i switch
                    {
                        3 => float.NaN,
                        17 => float.PositiveInfinity,
                        40 => float.NegativeInfinity,
                        _ => i / 8f,
                    }
                ),
        ];
        byte[] grid = Blocks.Grid(7, 2, 5, 9, -1.5f, 2.5f, -2, 3.25f, losses);
        yield return ("grid", "grid", grid, Grid(Decoder.Grid(grid)));
    }

    /// <summary>Eighths, so that every number is exact in JSON; every 37th is not finite.</summary>
    private static float Value(int column, long record) =>
        record % 37 == 5
            ? (record % 3) switch
            {
                0 => float.NaN,
                1 => float.PositiveInfinity,
                _ => float.NegativeInfinity,
            }
            : (column + 1) * ((record * 7919 % 257) - 128) / 8f;

    private static RunLog LogOf(int records, bool ended)
    {
        var log = Logs.New();
        Logs.Append(log, records, Value);
        if (ended)
            log.Enter(RunState.Finished);
        return log;
    }

    private static (string, string, byte[], JsonObject) Frame(string name, byte[] bytes)
    {
        var f = Decoder.Frame(bytes);
        return (
            name,
            "frame",
            bytes,
            new JsonObject
            {
                ["held"] = f.Held,
                ["finished"] = f.Finished,
                ["sequence"] = f.Sequence,
                ["generation"] = f.Generation,
                ["revision"] = f.Revision,
                ["plane"] = f.Plane,
                ["grid"] = f.Grid,
                ["resolution"] = f.Resolution,
                ["watching"] = f.Watching,
                ["seconds"] = f.Seconds,
                ["columns"] = Array(f.Columns.Select(c => (JsonNode)c)),
                ["runs"] = Array(
                    f.Runs.Select(r =>
                        (JsonNode)
                            new JsonObject
                            {
                                ["run"] = r.Run,
                                ["state"] = r.State.ToString().ToLowerInvariant(),
                                ["from"] = r.From,
                                ["to"] = r.To,
                                ["segments"] = Segments(r.Segments),
                                ["evaluations"] = Entries(r.FirstEvaluation, r.Evaluations),
                                ["points"] = Entries(r.FirstPoint, r.Points),
                            }
                    )
                ),
            }
        );
    }

    private static (string, string, byte[], JsonObject) Tile(string name, byte[] bytes)
    {
        var t = Decoder.Tile(bytes);
        return (
            name,
            "tile",
            bytes,
            new JsonObject
            {
                ["level"] = t.Level,
                ["whole"] = t.Whole,
                ["generation"] = t.Generation,
                ["run"] = t.Run,
                ["index"] = t.Index,
                ["from"] = t.From,
                ["to"] = t.To,
                ["columns"] = Array(t.Columns.Select(c => (JsonNode)c)),
                ["segments"] = Segments(t.Segments),
            }
        );
    }

    private static JsonObject List(ListBlock l) =>
        new()
        {
            ["run"] = l.Run,
            ["generation"] = l.Generation,
            ["plane"] = l.Plane,
            ["entries"] = Entries(0, l.Entries),
        };

    private static JsonObject Grid(GridBlock g) =>
        new()
        {
            ["resolution"] = g.Resolution,
            ["generation"] = g.Generation,
            ["plane"] = g.Plane,
            ["grid"] = g.Grid,
            ["region"] = Array(g.Region.Select(Number)),
            ["values"] = Array(g.Values.Select(Number)),
        };

    /// <summary>Buckets as rows [min, max, last, nonFinite], one list for each column.</summary>
    private static JsonArray Segments(SegmentBlock[] segments) =>
        Array(
            segments.Select(s =>
                (JsonNode)
                    new JsonObject
                    {
                        ["level"] = s.Level,
                        ["first"] = s.First,
                        ["count"] = s.Count,
                        ["buckets"] = Array(
                            s.Columns.Select(column =>
                                (JsonNode)Array(
                                    column.Select(b => (JsonNode)new JsonArray(Number(b.Min), Number(b.Max), Number(b.Last), b.NonFinite))
                                )
                            )
                        ),
                    }
            )
        );

    /// <summary>Entries as rows of their five numbers.</summary>
    private static JsonObject Entries(long first, Entry[] entries) =>
        new()
        {
            ["first"] = first,
            ["count"] = entries.Length,
            ["values"] = Array(entries.Select(e => (JsonNode)new JsonArray(e.Update, Number(e.A), Number(e.B), Number(e.C), Number(e.D)))),
        };

    private static JsonNode Number(float value) =>
        float.IsNaN(value) ? "NaN"
        : float.IsPositiveInfinity(value) ? "Infinity"
        : float.IsNegativeInfinity(value) ? "-Infinity"
        : (double)value;

    private static JsonArray Array(IEnumerable<JsonNode> nodes) => new([.. nodes]);
}
