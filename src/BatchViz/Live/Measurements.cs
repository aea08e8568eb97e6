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
public sealed class Measurements(Experiment experiment)
{
    /// <summary>A single batch, by its update.</summary>
    public Recomputation Batch(MomentKey key) => new(("batch", key), () => Cost(key, experiment.Replayer.BatchCost),
        (replayer, progress, cancel) => new(Batch(key, replayer, progress, cancel), Final: true));

    /// <summary>The gradients at a moment, on a plane.</summary>
    public Recomputation Moment(MomentKey at, long plane) => new(("moment", at, plane), () => Cost(at, experiment.Replayer.MomentCost),
        (replayer, progress, cancel) => new(Moment((at, plane), replayer, progress, cancel), Final: true));

    /// <summary>The network's answers over its two inputs, at so many points a side.</summary>
    public Recomputation Boundary(MomentKey at, int resolution) => new(("boundary", at, resolution), () => Cost(at, experiment.Replayer.Cost),
        (replayer, progress, cancel) => new(Boundary((at, resolution), replayer, progress, cancel), Final: true));

    private RecomputeCost Cost(MomentKey key, Func<Run, long, (long Updates, double Seconds)> of)
    {
        var run = experiment.Runs[key.Run];
        if (key.Update < 0 || key.Update > run.Log.Count) return new(0, double.NaN);
        var (updates, seconds) = of(run, key.Update);
        return new(updates, seconds);
    }

    private byte[] Batch(MomentKey key, Replayer replayer, IProgress<double> progress, CancellationToken cancel)
    {
        var run = experiment.Runs[key.Run];
        return Bytes(ReplayCommand.Json(run, replayer.Batch(run, key.Update, progress, cancel)));
    }

    private byte[] Moment((MomentKey At, long Plane) key, Replayer replayer, IProgress<double> progress, CancellationToken cancel)
    {
        var landscape = experiment.Landscape;
        if (landscape?.PlaneId != key.Plane) throw new SpecException(Language.Tr($"Plane {key.Plane} is no more.", $"平面 {key.Plane} 已不存在。"));
        if (landscape.Plane is null)
            throw new SpecException(Language.Tr("The plane of a recording is kept as a picture: gradients can be put on it once another plane has been fitted.", "录制中的平面只保留了图像：拟合新的平面之后才能把梯度投影上去。"));
        var moment = replayer.Moment(experiment.Runs[key.At.Run], key.At.Update, landscape.Plane, progress, cancel);
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

    private byte[] Boundary((MomentKey At, int Resolution) key, Replayer replayer, IProgress<double> progress, CancellationToken cancel)
    {
        var boundary = Lab.Boundary.Of(experiment, experiment.Runs[key.At.Run], key.At.Update, key.Resolution, progress, cancel, replayer);
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
