using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using BatchViz.Cli;
using BatchViz.Core;
using BatchViz.Core.Specs;
using BatchViz.Lab;

namespace BatchViz.Live;

/// <summary>An update of a run, or the moment after it.</summary>
public readonly record struct MomentKey(int Run, long Update);

/// <summary>What viewers may have recomputed of single moments of runs; see docs/wire-format.md for the answers.</summary>
public sealed class Measurements
{
    private readonly Experiment experiment;

    public Measurements(Experiment experiment, Replays replays)
    {
        this.experiment = experiment;
        Batches = new(replays, key => Cost(key with { Update = key.Update - 1 }), Batch);
        Moments = new(replays, key => Cost(key.At), Moment);
        Boundaries = new(replays, key => Cost(key.At), Boundary);
    }

    /// <summary>Single batches, by their update.</summary>
    public Recomputed<MomentKey> Batches { get; }

    /// <summary>Gradients at a moment, on a plane.</summary>
    public Recomputed<(MomentKey At, long Plane)> Moments { get; }

    /// <summary>The network's answers over its two inputs, at so many points a side.</summary>
    public Recomputed<(MomentKey At, int Resolution)> Boundaries { get; }

    private (long, double) Cost(MomentKey key)
    {
        var run = experiment.Runs[key.Run];
        return key.Update >= 0 && key.Update <= run.Log.Count ? experiment.Replayer.Cost(run, key.Update) : (0, double.NaN);
    }

    private byte[] Batch(MomentKey key, IProgress<double> progress, CancellationToken cancel)
    {
        var run = experiment.Runs[key.Run];
        return Bytes(ReplayCommand.Json(run, experiment.Replayer.Batch(run, key.Update, progress, cancel)));
    }

    private byte[] Moment((MomentKey At, long Plane) key, IProgress<double> progress, CancellationToken cancel)
    {
        var landscape = experiment.Landscape;
        if (landscape?.PlaneId != key.Plane) throw new SpecException(Language.Tr($"Plane {key.Plane} is no more.", $"平面 {key.Plane} 已不存在。"));
        if (landscape.Plane is null)
            throw new SpecException(Language.Tr("This recording keeps its plane as a picture alone: gradients can be put on it once another plane has been fitted.", "此录制中的平面只保留了图像：拟合新的平面之后才能把梯度投影上去。"));
        var moment = experiment.Replayer.Moment(experiment.Runs[key.At.Run], key.At.Update, landscape.Plane, progress, cancel);
        return Bytes(new JsonObject
        {
            ["run"] = moment.Run, ["update"] = moment.Update, ["plane"] = key.Plane,
            ["point"] = new JsonObject { ["x"] = RunCommand.Finite(moment.Point.X), ["y"] = RunCommand.Finite(moment.Point.Y), ["offPlane"] = RunCommand.Finite(moment.Point.OffPlane) },
            ["nextBatchSize"] = moment.NextBatchSize, ["batch"] = moment.Batch is { } batch ? Gradient(batch) : null,
            ["full"] = With(Gradient(moment.Full), "examples", moment.FullExamples), ["cosine"] = RunCommand.Finite(moment.Cosine),
            ["covariance"] = moment.Scatter is { } scatter ? new JsonArray(RunCommand.Finite(scatter.XX), RunCommand.Finite(scatter.XY), RunCommand.Finite(scatter.YY)) : null,
            ["covarianceExamples"] = moment.Scatter?.Examples ?? 0,
        });
    }

    private byte[] Boundary((MomentKey At, int Resolution) key, IProgress<double> progress, CancellationToken cancel)
    {
        var boundary = Lab.Boundary.Of(experiment, experiment.Runs[key.At.Run], key.At.Update, key.Resolution, progress, cancel);
        var values = new byte[sizeof(float) * boundary.Values.Length];
        for (int i = 0; i < boundary.Values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(values.AsSpan(sizeof(float) * i), boundary.Values[i]);
        var r = boundary.Region;
        return Bytes(new JsonObject
        {
            ["region"] = new JsonArray(r.X0, r.X1, r.Y0, r.Y1), ["resolution"] = boundary.Resolution,
            ["kind"] = boundary.Kind switch { BoundaryKind.Probability => "probability", BoundaryKind.Class => "class", _ => "value" },
            ["values"] = Convert.ToBase64String(values),
        });
    }

    private static JsonObject Gradient(GradientOnPlane gradient)
        => new() { ["x"] = RunCommand.Finite(gradient.X), ["y"] = RunCommand.Finite(gradient.Y), ["norm"] = RunCommand.Finite(gradient.Norm) };

    private static JsonObject With(JsonObject json, string key, JsonNode value)
    {
        json[key] = value;
        return json;
    }

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());
}
