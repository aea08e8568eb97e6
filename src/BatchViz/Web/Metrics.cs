using System.Diagnostics.Metrics;
using BatchViz.Live;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace BatchViz.Web;

/// <summary>What this server says of itself to a monitoring system. No name of a recording or of a person is among it.</summary>
public sealed class Metrics
{
    public const string MeterName = "BatchViz",
        Path = "/metrics";

    public Metrics(IMeterFactory meters, ExperimentHost experiments, Broadcast broadcast)
    {
        var meter = meters.Create(MeterName);
        meter.CreateObservableGauge(
            "batchviz.viewers",
            () => broadcast.Viewers,
            "{person}",
            "People who watch, however many windows each has open."
        );
        meter.CreateObservableCounter("batchviz.frames.published", () => broadcast.Published, "{frame}", "Live frames that were encoded.");
        meter.CreateObservableCounter(
            "batchviz.frames.bytes",
            () => broadcast.PublishedBytes,
            "By",
            "Bytes of live frames that were encoded, each counted once."
        );
        meter.CreateObservableCounter(
            "batchviz.frames.superseded",
            () => broadcast.Superseded,
            "{frame}",
            "Frames that a slow viewer never got, since a newer one took their place."
        );
        meter.CreateObservableGauge("batchviz.runs", () => Runs(experiments), "{run}", "Runs of the experiment on the air, by state.");
        meter.CreateObservableGauge(
            "batchviz.run.updates",
            () => Updates(experiments),
            "{update}",
            "Updates that a run of the experiment on the air has made."
        );
    }

    private static IEnumerable<Measurement<int>> Runs(ExperimentHost experiments) =>
        (experiments.Current?.Experiment.Runs ?? [])
            .GroupBy(run => run.Log.State)
            .Select(runs => new Measurement<int>(runs.Count(), Tag("state", runs.Key.ToString().ToLowerInvariant())));

    /// <summary>A gauge, since another experiment may have runs of the same ids that have made fewer.</summary>
    private static IEnumerable<Measurement<long>> Updates(ExperimentHost experiments) =>
        (experiments.Current?.Experiment.Runs ?? []).Select(run => new Measurement<long>(run.Log.Count, Tag("run", run.Plan.Id)));

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}

internal static class MetricsServices
{
    public static void AddMetricsEndpoint(this IServiceCollection services)
    {
        services.AddSingleton<Metrics>();
        services
            .AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("batchviz"))
            .WithMetrics(metrics =>
                metrics.AddMeter(Metrics.MeterName).AddAspNetCoreInstrumentation().AddRuntimeInstrumentation().AddPrometheusExporter()
            );
    }

    /// <summary>For whoever may look: a scraper sends a link's secret as its bearer token.</summary>
    public static void MapMetrics(this IEndpointRouteBuilder app)
    {
        app.ServiceProvider.GetRequiredService<Metrics>();
        app.MapPrometheusScrapingEndpoint(Metrics.Path)
            .WithMetadata(new HttpMethodMetadata([HttpMethods.Get]))
            .RequireAuthorization(Access.Viewer);
    }
}
