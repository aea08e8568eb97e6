using System.Buffers.Binary;
using BatchViz.Api;
using BatchViz.Core;
using BatchViz.Core.Specs;
using BatchViz.Training;

namespace BatchViz.Live;

/// <summary>An update of a run, or the moment after it.</summary>
public readonly record struct MomentKey(int Run, long Update);

/// <summary>What viewers may have recomputed of single moments of runs; see docs/wire-format.md for the answers.</summary>
public sealed class Measurements(Experiment experiment)
{
    /// <summary>A single batch, by its update.</summary>
    public Recomputation Batch(MomentKey key) =>
        new(
            ("batch", key),
            () => Cost(key, experiment.Replayer.BatchCost),
            (replayer, progress, cancel) => new(Batch(key, replayer, progress, cancel), Final: true)
        );

    /// <summary>The gradients at a moment, on a plane.</summary>
    public Recomputation Moment(MomentKey at, long plane) =>
        new(
            ("moment", at, plane),
            () => Cost(at, experiment.Replayer.MomentCost),
            (replayer, progress, cancel) => new(Moment((at, plane), replayer, progress, cancel), Final: true)
        );

    /// <summary>The network's answers over its two inputs, at so many points a side.</summary>
    public Recomputation Boundary(MomentKey at, int resolution) =>
        new(
            ("boundary", at, resolution),
            () => Cost(at, experiment.Replayer.Cost),
            (replayer, progress, cancel) => new(Boundary((at, resolution), replayer, progress, cancel), Final: true)
        );

    private RecomputeCost Cost(MomentKey key, Func<Run, long, (long Updates, double Seconds)> of)
    {
        var run = experiment.Runs[key.Run];
        if (key.Update < 0 || key.Update > run.Log.Count)
            return new(0, double.NaN);
        var (updates, seconds) = of(run, key.Update);
        return new(updates, seconds);
    }

    private byte[] Batch(MomentKey key, Replayer replayer, IProgress<double> progress, CancellationToken cancel)
    {
        var run = experiment.Runs[key.Run];
        return ApiJson.Bytes(Api.Batch.Of(run, replayer.Batch(run, key.Update, progress, cancel)));
    }

    private byte[] Moment((MomentKey At, long Plane) key, Replayer replayer, IProgress<double> progress, CancellationToken cancel)
    {
        var landscape = experiment.Landscape;
        if (landscape?.PlaneId != key.Plane)
            throw new RefusedException(Language.Tr($"Plane {key.Plane} is no more.", $"平面 {key.Plane} 已不存在。"));
        if (landscape.Plane is null)
            throw new RefusedException(
                Language.Tr(
                    "This recording keeps its plane as a picture alone: gradients can be put on it once another plane has been fitted.",
                    "此录制中的平面只保留了图像：拟合新的平面之后才能把梯度投影上去。"
                )
            );
        var moment = replayer.Moment(experiment.Runs[key.At.Run], key.At.Update, landscape.Plane, progress, cancel);
        var (point, full) = (moment.Point, moment.Full);
        return ApiJson.Bytes(
            new Moments(
                moment.Run,
                moment.Update,
                key.Plane,
                new(point.X, point.Y, point.OffPlane),
                moment.NextBatchSize,
                moment.Batch is { } batch ? new(batch.X, batch.Y, batch.Norm) : null,
                new(full.X, full.Y, full.Norm, moment.FullExamples),
                moment.Cosine,
                moment.Scatter is { } scatter ? [scatter.XX, scatter.XY, scatter.YY] : null,
                moment.Scatter?.Examples ?? 0
            )
        );
    }

    private byte[] Boundary((MomentKey At, int Resolution) key, Replayer replayer, IProgress<double> progress, CancellationToken cancel)
    {
        var boundary = Training.Boundary.Of(
            experiment,
            experiment.Runs[key.At.Run],
            key.At.Update,
            key.Resolution,
            progress,
            cancel,
            replayer
        );
        var values = new byte[sizeof(float) * boundary.Values.Length];
        for (int i = 0; i < boundary.Values.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(values.AsSpan(sizeof(float) * i), boundary.Values[i]);
        var r = boundary.Region;
        return ApiJson.Bytes(new Api.Boundary([r.X0, r.X1, r.Y0, r.Y1], boundary.Resolution, boundary.Kind, values));
    }
}
