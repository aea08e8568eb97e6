using System.Text;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Tests.Specs;

/// <summary>Experiment files for tests: a small valid one, with some of its values replaced by raw text.</summary>
public static class Texts
{
    /// <summary>A valid experiment in which each named key has the given raw JSON; null leaves the key out.</summary>
    public static string With(params (string Key, string? Json)[] changes)
    {
        var parts = new Dictionary<string, string?>
        {
            ["data"] = """{ "kind": "moons" }""",
            ["batchSizes"] = "[1, 32]",
            ["learningRate"] = "0.1",
            ["budget"] = """{ "epochs": 2 }""",
        };
        foreach (var (key, json) in changes)
            parts[key] = json;
        return "{ " + string.Join(", ", parts.Where(p => p.Value is not null).Select(p => $"\"{p.Key}\": {p.Value}")) + " }";
    }

    public static ExperimentSpec Read(string text) => SpecReader.Read(Encoding.UTF8.GetBytes(text));

    /// <summary>The one sentence with which something is refused.</summary>
    public static string Refusal(Action action)
    {
        string sentence = Assert.Throws<RefusedException>(action).Message;
        AssertSentence(sentence);
        return sentence;
    }

    public static string Refusal(string text) => Refusal(() => Read(text));

    /// <summary>One sentence: begins with a capital or a quoted name, ends with its only full stop, and fits a line.</summary>
    public static void AssertSentence(string sentence)
    {
        Assert.Matches("""^["A-Z]""", sentence);
        Assert.EndsWith(".", sentence);
        Assert.DoesNotMatch(@"\. [A-Z]|[\r\n\t\0]|\.\.$", sentence);
        Assert.InRange(sentence.Length, 10, 400);
    }
}
