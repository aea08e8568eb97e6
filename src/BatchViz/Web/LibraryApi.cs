using System.Text.Json.Nodes;
using BatchViz.Core.Specs;
using BatchViz.Live;

namespace BatchViz.Web;

/// <summary>The library as JSON, for owners: names of recordings are nobody else's business.</summary>
public static class LibraryApi
{
    public static void MapLibrary(this IEndpointRouteBuilder app)
        => app.MapGet("/api/recordings", List).RequireAuthorization(Access.Owner);

    private static IResult List(HttpContext http, Conductor conductor)
    {
        http.Response.Headers.CacheControl = "no-store";
        try
        {
            return Results.Text(new JsonArray([.. conductor.Recordings().Select(entry => (JsonNode)Json(entry))]).ToJsonString(), "application/json");
        }
        catch (SpecException e)
        {
            return Results.Text(e.Message, statusCode: StatusCodes.Status500InternalServerError);
        }
    }

    private static JsonObject Json(LibraryEntry entry) => new()
    {
        ["id"] = entry.Key,
        ["name"] = entry.Name,
        ["title"] = entry.Title,
        ["created"] = entry.Created,
        ["state"] = entry.State.ToString().ToLowerInvariant(),
        ["says"] = entry.Says,
        ["problem"] = entry.Problem,
        ["engine"] = entry.Manifest is { } manifest ? $"{manifest.Engine.Name} {manifest.Engine.Variant}" : null,
        ["updates"] = entry.Updates,
        ["bytes"] = entry.Bytes,
        ["damages"] = new JsonArray([.. entry.Damages.Select(damage => (JsonNode)damage)]),
        ["runs"] = new JsonArray([.. entry.Runs.Select(run => (JsonNode)new JsonObject { ["id"] = run.Id, ["updates"] = run.Updates, ["state"] = run.State?.ToString().ToLowerInvariant(), ["message"] = run.Message })]),
    };
}
