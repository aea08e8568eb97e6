using System.Globalization;
using System.Runtime.InteropServices;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;

namespace BatchViz.Recording.Export;

/// <summary>
/// Weights of a run at a keyframe, and which examples its next batches had with what losses, so that others can repeat them.
/// docs/exports.md names the tensors.
/// </summary>
public static class SafetensorsExport
{
    /// <summary>Writes <c>ID-updateN.safetensors</c> for each keyframe and returns the paths.</summary>
    /// <param name="spec">The run's experiment; goes into the files as text.</param>
    /// <param name="sampler">The run's own, see <see cref="BundleSpec.SamplerOf"/>.</param>
    /// <param name="batches">Batches after each keyframe whose order is written, fewer where the run ended before.</param>
    public static IReadOnlyList<string> Write(
        IRecordSource run,
        ExperimentSpec spec,
        NetworkSpec network,
        IReadOnlyList<Keyframe> keyframes,
        Sampler sampler,
        int batches,
        string folder,
        IProgress<double>? progress = null,
        CancellationToken cancel = default
    )
    {
        var paths = new List<string>();
        foreach (var keyframe in keyframes)
        {
            string path = Path.Combine(
                folder,
                string.Create(CultureInfo.InvariantCulture, $"{ExportFile.NameOf(run.Plan)}-update{keyframe.Updates}.safetensors")
            );
            ExportFile.Write(path, stream => Write(run, spec, network, keyframe, sampler, batches, stream, cancel));
            paths.Add(path);
            progress?.Report((double)paths.Count / keyframes.Count);
        }
        return paths;
    }

    /// <summary>One keyframe with the batches after it.</summary>
    /// <param name="data">Of the experiment: of a table, rows and columns are told; null: they are not.</param>
    public static void Write(
        IRecordSource run,
        ExperimentSpec spec,
        NetworkSpec network,
        Keyframe keyframe,
        Sampler sampler,
        int batches,
        Stream stream,
        CancellationToken cancel = default,
        DataSet? data = null
    )
    {
        int count = (int)Math.Clamp(run.UpdatesMade - keyframe.Updates, 0, batches);
        var file = new SafetensorsFile();
        AddBatches(file, run, keyframe.Updates, count, sampler, cancel);
        AddTrackedBatches(file, network, keyframe.Updates);
        AddParameters(file, "", network, keyframe.Weights);
        AddStatistics(file, "", network, keyframe.Statistics);
        for (int s = 0; s < keyframe.OptimizerState.Length; s++)
            AddParameters(file, $"optimizer.{s}.", network, keyframe.OptimizerState[s]);
        if (data?.Train.Rows is { } rows)
            file.Add("data.rows", "I32", sizeof(int), [rows.Length], to => to.Write(MemoryMarshal.AsBytes(rows.AsSpan())));
        var metadata = new Dictionary<string, string>
        {
            ["run"] = run.Plan.Id,
            ["update"] = Text(keyframe.Updates),
            ["batchSize"] = Text(run.Plan.BatchSize),
            ["seed"] = Text(run.Plan.Seed),
            ["experiment"] = SpecWriter.Write(spec).ToJsonString(),
        };
        if (data is not null && DataMap.Has(data))
            metadata["data"] = DataMap.Columns(data);
        file.Write(stream, metadata);
    }

    /// <summary>A landscape with all that its losses follow from, so that others can repeat them.</summary>
    public static void Write(LandscapeTensors landscape, ExperimentSpec spec, NetworkSpec network, Stream stream)
    {
        var file = new SafetensorsFile();
        var (plane, r, n) = (landscape.Plane, landscape.Region, landscape.Resolution);
        if (landscape.Labels is { } labels)
        {
            long[] wide = [.. labels.Select(label => (long)label)];
            file.Add("evaluation.labels", "I64", sizeof(long), [labels.Length], to => to.Write(MemoryMarshal.AsBytes<long>(wide)));
        }
        AddParameters(file, "origin.", network, plane.Origin);
        AddStatistics(file, "origin.", network, plane.Statistics);
        AddParameters(file, "direction1.", network, plane.First);
        AddParameters(file, "direction2.", network, plane.Second);
        file.Add("grid.x", [n], Lines(r.X0, r.X1, n));
        file.Add("grid.y", [n], Lines(r.Y0, r.Y1, n));
        file.Add("grid.losses", [n, n], landscape.Losses);
        foreach (var (run, points) in landscape.Paths)
        {
            file.Add(
                $"paths.{run}.updates",
                "I32",
                sizeof(int),
                [points.Count],
                to => to.Write(MemoryMarshal.AsBytes<int>([.. points.Select(p => (int)p.Update)]))
            );
            file.Add($"paths.{run}.points", [points.Count, 4], points.SelectMany(p => new[] { p.X, p.Y, p.Loss, p.OffPlane }).ToArray());
        }
        long examples = landscape.Indices.Length;
        file.Add("evaluation.indices", "I32", sizeof(int), [examples], to => to.Write(MemoryMarshal.AsBytes<int>(landscape.Indices)));
        file.Add("evaluation.inputs", [examples, landscape.Inputs.Length / Math.Max(1, examples)], landscape.Inputs);
        if (landscape.Targets is { } targets)
            file.Add("evaluation.targets", [examples, targets.Length / Math.Max(1, examples)], targets);
        file.Write(
            stream,
            new Dictionary<string, string>
            {
                ["plane"] = landscape.Kind,
                ["title"] = landscape.Title,
                ["experiment"] = SpecWriter.Write(spec).ToJsonString(),
            }
        );
    }

    /// <summary>Coordinates of a grid's lines, as the engines round them.</summary>
    private static float[] Lines(double from, double to, int count)
    {
        var lines = new float[count];
        for (int i = 0; i < count; i++)
            lines[i] = (float)(i == count - 1 && count > 1 ? to : from + (to - from) * (i / (double)Math.Max(1, count - 1)));
        return lines;
    }

    /// <summary>
    /// Of each batch norm, how many updates its statistics have taken in, as PyTorch counts them: 8-byte numbers, before those of four.
    /// </summary>
    private static void AddTrackedBatches(SafetensorsFile file, NetworkSpec network, long updates)
    {
        foreach (var (name, _) in BatchNorms(network))
            file.Add(
                $"{name}.num_batches_tracked",
                "I64",
                sizeof(long),
                [],
                stream => stream.Write(MemoryMarshal.AsBytes<long>([updates]))
            );
    }

    /// <summary>Running means and variances of batch norms, which a network is evaluated with.</summary>
    /// <param name="statistics">An engine's, which end with those of the layers; null only where there are none.</param>
    private static void AddStatistics(SafetensorsFile file, string prefix, NetworkSpec network, double[]? statistics)
    {
        if (!network.Layered || network.Graph.Statistics == 0)
            return;
        int all = network.Graph.Statistics;
        if (statistics is null || statistics.Length < all)
            throw new ArgumentException($"{statistics?.Length ?? 0} running statistics for a network of {all}", nameof(statistics));
        foreach (var (name, node) in BatchNorms(network))
        {
            int channels = node.Output.Channels,
                from = statistics.Length - all + node.Statistics;
            file.Add(
                $"{prefix}{name}.running_mean",
                [channels],
                Array.ConvertAll(statistics[from..(from + channels)], value => (float)value)
            );
            file.Add(
                $"{prefix}{name}.running_var",
                [channels],
                Array.ConvertAll(statistics[(from + channels)..(from + 2 * channels)], value => (float)value)
            );
        }
    }

    private static IEnumerable<(string Name, LayerNode Node)> BatchNorms(NetworkSpec network)
    {
        if (!network.Layered)
            return [];
        return network.Graph.Towers.SelectMany(In).Select(node => (network.Graph.Weights[node.Weights].Name, node));

        static IEnumerable<LayerNode> In(IReadOnlyList<LayerNode> nodes) =>
            nodes.SelectMany(node => (node.Statistics >= 0 ? new[] { node } : []).Concat(In(node.Inner)).Concat(In(node.Projection)));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The 8-byte offsets come first in the file, so that they lie at a multiple of 8.</summary>
    private static void AddBatches(
        SafetensorsFile file,
        IRecordSource run,
        long updates,
        int count,
        Sampler sampler,
        CancellationToken cancel
    )
    {
        long[] offsets = new long[count + 1];
        for (int b = 0; b < count; b++)
            offsets[b + 1] = offsets[b] + sampler.Progress.ExamplesOf(updates + b + 1);
        float[] losses = new float[count],
            rates = new float[count];
        var walk = new RecordWalk(run, updates, count);
        foreach (var (first, rows) in walk.Blocks(null, cancel))
        {
            for (int row = 0; row < rows; row++)
            {
                losses[first - updates + row] = walk.Record(row)[RecordLayout.Loss];
                rates[first - updates + row] = walk.Record(row)[RecordLayout.LearningRate];
            }
        }

        file.Add("batches.offsets", "I64", sizeof(long), [count + 1], stream => stream.Write(MemoryMarshal.AsBytes<long>(offsets)));
        file.Add(
            "batches.indices",
            "I32",
            sizeof(int),
            [offsets[count]],
            stream =>
            {
                int[] indices = new int[sampler.Progress.LargestBatch];
                for (int b = 0; b < count; b++)
                {
                    cancel.ThrowIfCancellationRequested();
                    int examples = sampler.Fill(updates + b + 1, indices);
                    stream.Write(MemoryMarshal.AsBytes(indices.AsSpan(0, examples)));
                }
            }
        );
        file.Add("batches.losses", [count], losses);
        file.Add("batches.learningRates", [count], rates);
    }

    /// <summary>
    /// Numbers in the canonical order (see <see cref="NetworkSpec.ParameterCount"/>), a tensor for each layer's weights and one for its
    /// biases.
    /// </summary>
    private static void AddParameters(SafetensorsFile file, string prefix, NetworkSpec network, float[] canonical)
    {
        if (canonical.Length != network.ParameterCount)
            throw new ArgumentException($"{canonical.Length} weights for a network of {network.ParameterCount}", nameof(canonical));
        if (network.Model.Kind == ModelKind.Surface)
        {
            file.Add(prefix + "weights", [canonical.Length], canonical);
            return;
        }
        var rest = canonical.AsMemory();
        if (network.Layered)
        {
            foreach (var group in network.Graph.Weights)
            {
                int side = (int)Math.Sqrt(group.Area);
                if (group.Role == WeightRole.Matrix && group.Area > 1)
                    Take($"{group.Name}.weight", group.Outputs, group.Inputs / group.Area, side, side);
                else if (group.Role == WeightRole.Matrix)
                    Take($"{group.Name}.weight", group.Outputs, group.Inputs);
                else
                    Take($"{group.Name}.weight", group.Outputs);
                if (group.Bias)
                    Take($"{group.Name}.bias", group.Outputs);
            }
            return;
        }
        for (int l = 0; l < network.Layers; l++)
        {
            int inputs = network.Sizes[l],
                outputs = network.Sizes[l + 1];
            Take($"layers.{l}.weight", outputs, inputs);
            if (network.Model.Bias)
                Take($"layers.{l}.bias", outputs);
        }

        void Take(string name, params long[] shape)
        {
            int length = (int)shape.Aggregate(1L, (a, b) => a * b);
            file.Add(prefix + name, shape, rest[..length]);
            rest = rest[length..];
        }
    }
}
