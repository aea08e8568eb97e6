using BatchViz.Api;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using BatchViz.Live;
using BatchViz.Recording;
using BatchViz.Telemetry;
using BatchViz.Telemetry.Wire;

namespace BatchViz.Web;

/// <summary>
/// History over plain HTTP: manifest, tiles, evaluations, paths, grids, what is recomputed of single moments, and examples. Read only, for
/// every viewer.
/// </summary>
public static class HistoryApi
{
    /// <summary>Records that are recomputed for one tile: 1,024 buckets of 1,024 records.</summary>
    private const int MostRecomputed = 1 << 20;

    private static readonly TimeSpan BatchPatience = TimeSpan.FromMilliseconds(250);

    private const string Binary = "application/octet-stream",
        Forever = "private, max-age=31536000, immutable",
        Never = "no-store";

    public static void MapHistory(this IEndpointRouteBuilder app)
    {
        var api = app.MapGroup("/api/experiments").RequireAuthorization(Access.Viewer).RequireRateLimiting(ViewersPace.History);
        api.MapGet(
            "/current",
            (HttpContext http, ExperimentHost experiments) => experiments.Current is { } live ? Json(http, live) : Gone()
        );
        api.MapGet(
            "/{generation:long}",
            (HttpContext http, ExperimentHost experiments, long generation) =>
                Of(experiments, generation) is { } live ? Json(http, live) : Gone()
        );
        api.MapGet("/{generation:long}/tiles/{run:int}/{columns}/{level:int}/{index:long}", Tile);
        api.MapGet("/{generation:long}/batches/{run:int}/{update:long}", Batch).RequireRateLimiting(ViewersPace.Recomputing);
        api.MapGet("/{generation:long}/moments/{run:int}/{update:long}/{plane:long}", Moment).RequireRateLimiting(ViewersPace.Recomputing);
        api.MapGet("/{generation:long}/boundary/{run:int}/{update:long}", Boundary).RequireRateLimiting(ViewersPace.Recomputing);
        api.MapGet("/{generation:long}/examples/{split}/{ids}", Examples);
        api.MapGet("/{generation:long}/points/{split}", Points);
        api.MapGet("/{generation:long}/lines/{a:int}/{b:int}", Line).RequireRateLimiting(ViewersPace.Recomputing);
        api.MapGet("/{generation:long}/probes/{run:int}", Probes);
        api.MapGet("/{generation:long}/keyframes/{run:int}", Keyframes);
        api.MapGet("/{generation:long}/evaluations/{run:int}", Evaluations);
        api.MapGet("/{generation:long}/paths/{plane:long}/{run:int}", Path);
        api.MapGet("/{generation:long}/grids/{grid:long}/{resolution:int}", Grid);
    }

    /// <summary>
    /// What was there and is no more, or is not there yet, and may be asked for in good faith: 204, since a browser would write a 404 on
    /// its console as an error.
    /// </summary>
    private static IResult Gone() => Results.NoContent();

    private static async Task<IResult> Tile(
        HttpContext http,
        ExperimentHost experiments,
        long generation,
        int run,
        string columns,
        int level,
        long index
    )
    {
        if (Of(experiments, generation) is not { } live)
            return Gone();
        if (RunOf(live, run) is not { } r || level is < 0 or > RunLog.MaxLevel || index is < 0 or > uint.MaxValue)
            return Results.NotFound();
        string[] names = columns.Split('+', ' ');
        int[] indices = [.. names.Select(name => live.Columns.ToList().IndexOf(name))];
        if (indices.Length > live.Columns.Count || indices.Contains(-1))
            return Results.NotFound();
        if (Blocks.Tile((uint)generation, run, r.Log, indices, level, index) is not { } tile)
            return Gone();
        if (tile.Bytes is not null)
            return Bytes(http, tile.Bytes, tile.Whole ? Forever : Never);
        if (tile.Missing.Count > MostRecomputed)
            return Results.NotFound();
        var state = await live.Recomputing.Ask(
            Recomputed(
                ("tile", run, columns, level, index),
                r,
                tile.Missing,
                window => Blocks.Tile((uint)generation, run, r.Log, indices, level, index, window)
            ),
            Access.AskerOf(http),
            Timeout.InfiniteTimeSpan,
            http.RequestAborted
        );
        return state.Answer is { Bytes.Length: > 0 } answer ? Bytes(http, answer.Bytes, answer.Final ? Forever : Never) : Gone();
    }

    /// <summary>
    /// A tile of records that were not kept: they are made once more. A run that trains on may have dropped more of them meanwhile; then it
    /// is empty.
    /// </summary>
    private static Recomputation Recomputed(
        object key,
        Training.Run run,
        (long First, long Count) missing,
        Func<RecordWindow, Tile?> encode
    ) =>
        new(
            key,
            () => default,
            (replayer, progress, cancel) =>
            {
                var tile = encode(replayer.Rows(run, missing.First, (int)missing.Count, progress, cancel));
                return new(tile?.Bytes ?? [], Final: tile is { Bytes: not null, Whole: true });
            }
        );

    /// <summary>
    /// One batch: its examples with their losses and gradient norms, and its exact record. 202 with its progress while it is recomputed.
    /// </summary>
    private static async Task<IResult> Batch(HttpContext http, ExperimentHost experiments, long generation, int run, long update)
    {
        if (Of(experiments, generation) is not { } live)
            return Gone();
        return RunOf(live, run) is null
            ? Results.NotFound()
            : Answer(http, experiments, generation, await Ask(http, live, live.Measurements.Batch(new(run, update))));
    }

    /// <summary>Where a run stands on the plane, and the gradients there. 202 with its progress while it is recomputed.</summary>
    private static async Task<IResult> Moment(
        HttpContext http,
        ExperimentHost experiments,
        long generation,
        int run,
        long update,
        long plane
    )
    {
        if (Of(experiments, generation) is not { } live || live.Experiment.Landscape?.PlaneId != plane)
            return Gone();
        if (RunOf(live, run) is null)
            return Results.NotFound();
        var state = await Ask(http, live, live.Measurements.Moment(new(run, update), plane));
        // Another plane has taken its place meanwhile.
        return state.Refusal is not null && live.Experiment.Landscape?.PlaneId != plane
            ? Gone()
            : Answer(http, experiments, generation, state);
    }

    /// <summary>The network's answers over its two inputs. 202 with its progress while it is recomputed.</summary>
    private static async Task<IResult> Boundary(
        HttpContext http,
        ExperimentHost experiments,
        long generation,
        int run,
        long update,
        int n = 65
    )
    {
        if (Of(experiments, generation) is not { } live)
            return Gone();
        return RunOf(live, run) is null
            ? Results.NotFound()
            : Answer(http, experiments, generation, await Ask(http, live, live.Measurements.Boundary(new(run, update), n)));
    }

    private static IResult Examples(HttpContext http, ExperimentHost experiments, long generation, string split, string ids) =>
        OfSplit(http, experiments, generation, split, (data, of) => ExamplesJson.Examples(data, of, ids.Split('+', ' ')));

    private static IResult Points(HttpContext http, ExperimentHost experiments, long generation, string split) =>
        OfSplit(http, experiments, generation, split, ExamplesJson.Points);

    private static IResult OfSplit(
        HttpContext http,
        ExperimentHost experiments,
        long generation,
        string name,
        Func<DataSet, Split, byte[]> json
    )
    {
        if (Of(experiments, generation) is not { } live)
            return Gone();
        if (name is not ("train" or "test"))
            return Results.NotFound();
        try
        {
            byte[] bytes = json(live.Experiment.Plan.Data, name == "train" ? Split.Train : Split.Test);
            http.Response.Headers.CacheControl = Forever;
            return Results.Bytes(bytes, ApiJson.ContentType);
        }
        catch (RefusedException e)
        {
            return Refused(http, e.Message);
        }
    }

    private static IResult Answer(HttpContext http, ExperimentHost experiments, long generation, RecomputedState state)
    {
        // Another experiment may have taken its place meanwhile, and what was asked of it was broken off.
        if (state.Refusal is { } refusal)
            return Of(experiments, generation) is null ? Gone() : Refused(http, refusal);
        http.Response.Headers.CacheControl = state.Answer is { Final: true } ? Forever : Never;
        return state.Answer is { } answer
            ? Results.Bytes(answer.Bytes, ApiJson.ContentType)
            : ApiJson.Answer(new UnderWay(state.Progress, state.Cost.Updates, state.Cost.Seconds), StatusCodes.Status202Accepted);
    }

    private static Task<RecomputedState> Ask(HttpContext http, LiveExperiment live, Recomputation what) =>
        live.Recomputing.Ask(what, Access.AskerOf(http), BatchPatience, http.RequestAborted);

    private static IResult Refused(HttpContext http, string sentence)
    {
        http.Response.Headers.CacheControl = Never;
        return ApiJson.Answer(new Refusal(sentence), StatusCodes.Status409Conflict);
    }

    /// <summary>Loss and accuracy on the line between two runs' newest weights. 202 while it is computed.</summary>
    private static async Task<IResult> Line(HttpContext http, ExperimentHost experiments, long generation, int a, int b)
    {
        if (Of(experiments, generation) is not { } live)
            return Gone();
        if (RunOf(live, a) is null || RunOf(live, b) is null)
            return Results.NotFound();
        return Answer(http, experiments, generation, await Ask(http, live, live.Lines.Between(a, b)));
    }

    private static IResult Probes(HttpContext http, ExperimentHost experiments, long generation, int run)
    {
        if (Of(experiments, generation) is not { } live)
            return Gone();
        if (RunOf(live, run) is not { } r)
            return Results.NotFound();
        http.Response.Headers.CacheControl = Never;
        return Results.Bytes(ProbesJson.Of(r), ApiJson.ContentType);
    }

    /// <summary>
    /// After which updates the recording keeps a run's weights; there are more and more of them, and old ones are thinned out.
    /// </summary>
    private static IResult Keyframes(HttpContext http, ExperimentHost experiments, long generation, int run)
    {
        if (Of(experiments, generation) is not { } live)
            return Gone();
        if (RunOf(live, run) is not { } r)
            return Results.NotFound();
        http.Response.Headers.CacheControl = Never;
        return ApiJson.Answer(new Api.Keyframes(r.Recorded?.Keyframes.Updates ?? []));
    }

    private static IResult Evaluations(HttpContext http, ExperimentHost experiments, long generation, int run) =>
        Of(experiments, generation) is not { } live ? Gone()
        : RunOf(live, run) is { } r ? Bytes(http, Blocks.Evaluations((uint)generation, run, r.Log.Evaluations), Never)
        : Results.NotFound();

    private static IResult Path(HttpContext http, ExperimentHost experiments, long generation, long plane, int run)
    {
        if (Of(experiments, generation) is not { } live || live.Experiment.Landscape is not { } landscape || landscape.PlaneId != plane)
            return Gone();
        if (RunOf(live, run) is null)
            return Results.NotFound();
        // A run that has just been forked off has its path with the next look at the landscape.
        return run >= landscape.Paths.Count
            ? Gone()
            : Bytes(http, Blocks.Paths((uint)generation, landscape.PlaneId, run, landscape.Paths[run]), Never);
    }

    private static IResult Grid(HttpContext http, ExperimentHost experiments, long generation, long grid, int resolution)
    {
        if (Of(experiments, generation)?.Experiment.Landscape is not { } landscape || landscape.GridId != grid)
            return Gone();
        var layer = landscape.Layers.FirstOrDefault(l => l.Resolution == resolution);
        if (layer is null)
            return Gone();
        var r = landscape.Region;
        return Bytes(
            http,
            Blocks.Grid(
                (uint)generation,
                landscape.PlaneId,
                landscape.GridId,
                resolution,
                (float)r.X0,
                (float)r.X1,
                (float)r.Y0,
                (float)r.Y1,
                layer.Losses
            ),
            Forever
        );
    }

    private static LiveExperiment? Of(ExperimentHost experiments, long generation) =>
        experiments.Current is { } live && live.Generation == generation ? live : null;

    private static Training.Run? RunOf(LiveExperiment live, int run) =>
        run >= 0 && run < live.Experiment.Runs.Count ? live.Experiment.Runs[run] : null;

    private static IResult Json(HttpContext http, LiveExperiment live)
    {
        http.Response.Headers.CacheControl = Never;
        return Results.Bytes(live.ManifestJson, ApiJson.ContentType);
    }

    private static IResult Bytes(HttpContext http, byte[] bytes, string cache)
    {
        http.Response.Headers.CacheControl = cache;
        return Results.Bytes(bytes, Binary);
    }
}
