using BatchViz.Api;
using BatchViz.Core.Specs;
using BatchViz.Live;

namespace BatchViz.Web;

/// <summary>The library as JSON, for owners: names of recordings are nobody else's business.</summary>
public static class LibraryApi
{
    public static void MapLibrary(this IEndpointRouteBuilder app) => app.MapGet("/api/recordings", List).RequireAuthorization(Access.Owner);

    private static IResult List(HttpContext http, ExperimentHost experiments)
    {
        http.Response.Headers.CacheControl = "no-store";
        try
        {
            return ApiJson.Answer<IReadOnlyList<ListedRecording>>([.. experiments.Recordings().Select(Listed)]);
        }
        catch (RefusedException e)
        {
            return Results.Text(e.Message, statusCode: StatusCodes.Status500InternalServerError);
        }
    }

    private static ListedRecording Listed(LibraryEntry entry) =>
        new(
            entry.Key,
            entry.Name,
            entry.Title,
            entry.Created,
            entry.State.ToString().ToLowerInvariant(),
            entry.Says,
            entry.Problem,
            entry.Manifest is { } manifest ? $"{manifest.Engine.Name} {manifest.Engine.Variant}" : null,
            entry.Updates,
            entry.Bytes,
            entry.Damages,
            [.. entry.Runs.Select(run => new ListedRun(run.Id, run.Updates, run.State, run.Message))]
        );
}
