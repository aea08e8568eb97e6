using System.Globalization;
using BatchViz.Api;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Live;

/// <summary>Examples of the data set as JSON, for pages that show them.</summary>
internal static class ExamplesJson
{
    private const int MostExamples = 64,
        MostValues = 16,
        MostPoints = 2000;

    /// <param name="ids">Indices within the split.</param>
    /// <exception cref="RefusedException">One sentence: there are no such examples.</exception>
    public static byte[] Examples(DataSet data, Split split, string[] ids)
    {
        var source = SplitOf(data, split);
        if (ids.Length > MostExamples)
            throw new RefusedException(
                Tr(
                    $"{ids.Length} examples are too many at once; at most {MostExamples} can be asked for.",
                    $"一次请求 {ids.Length} 个样本过多；最多 {MostExamples} 个。"
                )
            );
        var examples = new List<Example>();
        foreach (string id in ids)
        {
            if (!int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int index) || index >= source.Count)
                throw new RefusedException(
                    Tr(
                        $"There is no example \"{Short(id)}\": they are numbered from 0 to {source.Count - 1}.",
                        $"没有样本“{Short(id)}”：编号从 0 到 {source.Count - 1}。"
                    )
                );
            examples.Add(ExampleOf(data, source, index));
        }
        return ApiJson.Bytes(
            new Examples(
                data.Inputs,
                data.Image is { } image ? [image.Rows, image.Columns] : null,
                data.Channels,
                data.Views,
                data.Task == DataTask.Classification ? data.Outputs : null,
                examples
            )
        );
    }

    /// <summary>Examples of two inputs as points; of many, some at even distances in the split.</summary>
    /// <exception cref="RefusedException">One sentence: examples are no points.</exception>
    public static byte[] Points(DataSet data, Split split)
    {
        if (data.Task == DataTask.Surface || data.Inputs != 2)
            throw new RefusedException(
                data.Task == DataTask.Surface
                    ? Tr(
                        $"The examples of {data.Name} are shifts of its slope, not points of an input space.",
                        $"{data.Name} 的样本是对斜率的偏移，不是输入空间中的点。"
                    )
                    : Tr(
                        $"Examples of two inputs can be drawn as points; {data.Name} has {data.Inputs:#,0}.",
                        $"只有两个输入的样本才能画成点；{data.Name} 有 {data.Inputs:#,0} 个输入。"
                    )
            );
        var source = SplitOf(data, split);
        int count = Math.Min(source.Count, MostPoints);
        double[] x = new double[count],
            y = new double[count];
        var target = new Target?[count];
        Span<float> features = stackalloc float[2];
        for (int k = 0; k < count; k++)
        {
            int index = (int)((long)k * source.Count / count);
            source.CopyFeatures(index, features);
            (x[k], y[k], target[k]) = (features[0], features[1], TargetOf(data, source, index));
        }
        return ApiJson.Bytes(new Points(x, y, target, source.Count));
    }

    private static DataSplit SplitOf(DataSet data, Split split) =>
        split == Split.Test && data.Test is null
            ? throw new RefusedException(Tr($"{data.Name} has no test split.", $"{data.Name} 没有测试集。"))
            : data.Of(split);

    private static Example ExampleOf(DataSet data, DataSplit source, int index)
    {
        double[]? values = null;
        if (data.Inputs <= MostValues)
        {
            var features = new float[data.Inputs];
            source.CopyFeatures(index, features);
            values = [.. features];
        }
        byte[]? pixels =
            data.Image is not null && source.Bytes is { } bytes ? bytes.AsSpan(checked(index * data.Inputs), data.Inputs).ToArray() : null;
        return new(index, TargetOf(data, source, index), pixels, values);
    }

    /// <summary>The class, the target's values, or null where there is neither.</summary>
    private static Target? TargetOf(DataSet data, DataSplit source, int index)
    {
        if (source.Labels is { } labels)
            return new(labels[index]);
        if (source.Targets is not { } targets)
            return null;
        return new(0, [.. targets.AsSpan(index * data.Outputs, data.Outputs)]);
    }

    private static string Short(string text) => text.Length <= 12 ? text : text[..12] + "…";
}
