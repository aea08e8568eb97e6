using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Training;

/// <summary>
/// What a network's answers over its inputs are: the probability of class 1, the number of a class, or the predicted value.
/// </summary>
public enum BoundaryKind
{
    Probability,
    Class,
    Value,
}

/// <summary>A network's answers on a grid over the two inputs of its data: where it decides how.</summary>
/// <param name="Region">All examples of both splits, and a tenth more on each side.</param>
/// <param name="Values">[resolution × resolution], row by row from the region's first y (the second input).</param>
public sealed record Boundary(GridRegion Region, int Resolution, BoundaryKind Kind, float[] Values)
{
    public const int MostPoints = 257;

    private const double Margin = 0.1;

    /// <summary>After an update of a run (0: at its beginning).</summary>
    /// <param name="replayer">Null: the experiment's.</param>
    /// <exception cref="RefusedException">One sentence: there is none.</exception>
    public static Boundary Of(
        Experiment experiment,
        Run run,
        long update,
        int resolution,
        IProgress<double>? progress,
        CancellationToken cancel,
        Replayer? replayer = null
    )
    {
        var data = experiment.Plan.Data;
        if (WhyNone(data) is { } why)
            throw new RefusedException(why);
        if (resolution is < 2 or > MostPoints)
            throw new RefusedException(
                Tr($"\"n\" is {resolution}; it must be from 2 to {MostPoints}.", $"\"n\" 为 {resolution}；必须在 2 到 {MostPoints} 之间。")
            );
        if (update < 0)
            throw new RefusedException(
                Tr(
                    $"\"update\" is {update}; moments are counted from 0, before the first update.",
                    $"\"update\" 为 {update}；时刻从 0 计起，即第一次更新之前。"
                )
            );
        using var weights = (replayer ?? experiment.Replayer).WeightsAt(run, update, progress, cancel);
        using var evaluator = experiment.Engine.CreateEvaluator(experiment.Data, experiment.Plan.Network);
        var region = RegionOf(data);
        var inputs = new float[2 * resolution * resolution];
        for (int p = 0; p < resolution * resolution; p++)
        {
            inputs[2 * p] = (float)Between(region.X0, region.X1, p % resolution, resolution);
            inputs[2 * p + 1] = (float)Between(region.Y0, region.Y1, p / resolution, resolution);
        }
        int width = experiment.Plan.Network.Sizes[^1];
        var outputs = new float[width * resolution * resolution];
        evaluator.Outputs(weights, inputs, outputs);
        var kind =
            data.Task == DataTask.Regression ? BoundaryKind.Value
            : data.Outputs == 2 && experiment.Plan.Network.Loss != LossKind.Squared ? BoundaryKind.Probability
            : BoundaryKind.Class;
        var values = new float[resolution * resolution];
        for (int p = 0; p < values.Length; p++)
            values[p] = Answer(kind, outputs.AsSpan(p * width, width));
        return new Boundary(region, resolution, kind, values);
    }

    private static string? WhyNone(DataSet data)
    {
        if (data.Task == DataTask.Surface)
            return Tr(
                $"{data.Name} is a surface over two weights; it has no inputs to decide about.",
                $"{data.Name} 是两个权重上的曲面，没有可供判别的输入。"
            );
        if (data.Inputs != 2)
            return Tr(
                $"A decision boundary can be drawn over two inputs; {data.Name} has {data.Inputs:#,0}.",
                $"只有两个输入时才能画出决策边界；{data.Name} 有 {data.Inputs:#,0} 个输入。"
            );
        return data is { Task: DataTask.Regression, Outputs: > 1 }
            ? Tr(
                $"One value can be drawn over two inputs; {data.Name} has {data.Outputs:#,0} targets.",
                $"两个输入之上只能画出一个值；{data.Name} 有 {data.Outputs:#,0} 个目标值。"
            )
            : null;
    }

    private static float Answer(BoundaryKind kind, ReadOnlySpan<float> outputs)
    {
        if (kind == BoundaryKind.Value)
            return outputs[0];
        if (kind == BoundaryKind.Probability)
            return (float)(1 / (1 + Math.Exp(outputs.Length == 1 ? -outputs[0] : outputs[0] - outputs[1])));
        foreach (float output in outputs)
            if (float.IsNaN(output))
                return float.NaN;
        if (outputs.Length == 1)
            return outputs[0] > 0 ? 1 : 0;
        int chosen = 0;
        for (int j = 1; j < outputs.Length; j++)
            chosen = outputs[j] > outputs[chosen] ? j : chosen;
        return chosen;
    }

    private static GridRegion RegionOf(DataSet data)
    {
        Span<double> low = [double.PositiveInfinity, double.PositiveInfinity],
            high = [double.NegativeInfinity, double.NegativeInfinity];
        Span<float> features = stackalloc float[2];
        foreach (var split in new[] { data.Train, data.Test })
        {
            for (int i = 0; i < (split?.Count ?? 0); i++)
            {
                split!.CopyFeatures(i, features);
                for (int c = 0; c < 2; c++)
                    (low[c], high[c]) = (Math.Min(low[c], features[c]), Math.Max(high[c], features[c]));
            }
        }
        for (int c = 0; c < 2; c++)
        {
            double margin = high[c] > low[c] ? Margin * (high[c] - low[c]) : 1;
            (low[c], high[c]) = (low[c] - margin, high[c] + margin);
        }
        return new GridRegion(low[0], high[0], low[1], high[1]);
    }

    private static double Between(double from, double to, int index, int count) => from + (to - from) * index / (count - 1);
}
