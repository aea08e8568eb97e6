using System.Buffers.Binary;
using BatchViz.Api;
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
        return ApiJson.Bytes(Api.Batch.Of(run, experiment.Replayer.Batch(run, key.Update, progress, cancel)));
    }

    private byte[] Moment((MomentKey At, long Plane) key, IProgress<double> progress, CancellationToken cancel)
    {
        var landscape = experiment.Landscape;
        if (landscape?.PlaneId != key.Plane) throw new SpecException(Language.Tr($"Plane {key.Plane} is no more.", $"平面 {key.Plane} 已不存在。"));
        if (landscape.Plane is null)
            throw new SpecException(Language.Tr("This recording keeps its plane as a picture alone: gradients can be put on it once another plane has been fitted.", "此录制中的平面只保留了图像：拟合新的平面之后才能把梯度投影上去。"));
        var moment = experiment.Replayer.Moment(experiment.Runs[key.At.Run], key.At.Update, landscape.Plane, progress, cancel);
        var (point, full) = (moment.Point, moment.Full);
        return ApiJson.Bytes(new Moments(
            moment.Run, moment.Update, key.Plane, new(point.X, point.Y, point.OffPlane), moment.NextBatchSize,
            moment.Batch is { } batch ? new(batch.X, batch.Y, batch.Norm) : null, new(full.X, full.Y, full.Norm, moment.FullExamples), moment.Cosine,
            moment.Scatter is { } scatter ? [scatter.XX, scatter.XY, scatter.YY] : null, moment.Scatter?.Examples ?? 0));
    }

    private byte[] Boundary((MomentKey At, int Resolution) key, IProgress<double> progress, CancellationToken cancel)
    {
        var boundary = Lab.Boundary.Of(experiment, experiment.Runs[key.At.Run], key.At.Update, key.Resolution, progress, cancel);
        var values = new byte[sizeof(float) * boundary.Values.Length];
        for (int i = 0; i < boundary.Values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(values.AsSpan(sizeof(float) * i), boundary.Values[i]);
        var r = boundary.Region;
        return ApiJson.Bytes(new Api.Boundary([r.X0, r.X1, r.Y0, r.Y1], boundary.Resolution, boundary.Kind, values));
    }
}
