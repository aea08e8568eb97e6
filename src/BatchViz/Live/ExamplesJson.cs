using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using BatchViz.Cli;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Live;

/// <summary>Examples of the data set as JSON, for pages that show them.</summary>
internal static class ExamplesJson
{
    private const int MostExamples = 64, MostValues = 16, MostPoints = 2000;

    /// <param name="ids">Indices within the split.</param>
    /// <exception cref="SpecException">One sentence: there are no such examples.</exception>
    public static byte[] Examples(DataSet data, Split split, string[] ids)
    {
        var source = SplitOf(data, split);
        if (ids.Length > MostExamples) throw new SpecException(Tr($"{ids.Length} examples are too many at once; at most {MostExamples} can be asked for.", $"一次请求 {ids.Length} 个样本过多；最多 {MostExamples} 个。"));
        var examples = new JsonArray();
        foreach (string id in ids)
        {
            if (!int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int index) || index >= source.Count)
                throw new SpecException(Tr($"There is no example \"{Short(id)}\": they are numbered from 0 to {source.Count - 1}.", $"没有样本“{Short(id)}”：编号从 0 到 {source.Count - 1}。"));
            examples.Add((JsonNode)Example(data, source, index));
        }
        return Bytes(new JsonObject
        {
            ["inputs"] = data.Inputs, ["image"] = data.Image is { } image ? new JsonArray(image.Rows, image.Columns) : null,
            ["channels"] = data.Channels, ["views"] = data.Views,
            ["classes"] = data.Task == DataTask.Classification ? data.Outputs : null, ["examples"] = examples,
        });
    }

    /// <summary>Examples of two inputs as points; of many, some at even distances in the split.</summary>
    /// <exception cref="SpecException">One sentence: examples are no points.</exception>
    public static byte[] Points(DataSet data, Split split)
    {
        if (data.Task == DataTask.Surface || data.Inputs != 2)
            throw new SpecException(data.Task == DataTask.Surface
                ? Tr($"The examples of {data.Name} are shifts of its slope, not points of an input space.", $"{data.Name} 的样本是对斜率的偏移，不是输入空间中的点。")
                : Tr($"Examples of two inputs can be drawn as points; {data.Name} has {data.Inputs:#,0}.", $"只有两个输入的样本才能画成点；{data.Name} 有 {data.Inputs:#,0} 个输入。"));
        var source = SplitOf(data, split);
        int count = Math.Min(source.Count, MostPoints);
        JsonArray x = [], y = [], target = [];
        Span<float> features = stackalloc float[2];
        for (int k = 0; k < count; k++)
        {
            int index = (int)((long)k * source.Count / count);
            source.CopyFeatures(index, features);
            x.Add(RunCommand.Finite(features[0]));
            y.Add(RunCommand.Finite(features[1]));
            target.Add(Target(data, source, index));
        }
        return Bytes(new JsonObject { ["x"] = x, ["y"] = y, ["target"] = target, ["total"] = source.Count });
    }

    private static DataSplit SplitOf(DataSet data, Split split)
        => split == Split.Test && data.Test is null ? throw new SpecException(Tr($"{data.Name} has no test split.", $"{data.Name} 没有测试集。")) : data.Of(split);

    private static JsonObject Example(DataSet data, DataSplit source, int index)
    {
        JsonArray? values = null;
        if (data.Inputs <= MostValues)
        {
            var features = new float[data.Inputs];
            source.CopyFeatures(index, features);
            values = [.. features.Select(v => (JsonNode?)RunCommand.Finite(v))];
        }
        string? pixels = data.Image is not null && source.Bytes is { } bytes ? Convert.ToBase64String(bytes, checked(index * data.Inputs), data.Inputs) : null;
        return new JsonObject { ["index"] = index, ["target"] = Target(data, source, index), ["pixels"] = pixels, ["values"] = values };
    }

    /// <summary>The class, the list of target values, or null where there is neither.</summary>
    private static JsonNode? Target(DataSet data, DataSplit source, int index)
    {
        if (source.Labels is { } labels) return labels[index];
        if (source.Targets is not { } targets) return null;
        return new JsonArray([.. targets.AsSpan(index * data.Outputs, data.Outputs).ToArray().Select(v => (JsonNode?)RunCommand.Finite(v))]);
    }

    private static string Short(string text) => text.Length <= 12 ? text : text[..12] + "…";

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());
}
