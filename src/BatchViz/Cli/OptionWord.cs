using System.CommandLine;
using BatchViz.Core.Specs;

namespace BatchViz.Cli;

/// <summary>An option whose value is one of a few words.</summary>
internal static class OptionWord
{
    /// <summary>What the word stands for; null where the option was not given.</summary>
    /// <exception cref="RefusedException">It is none of the words.</exception>
    public static T? Read<T>(ParseResult parsed, Option<string?> option, IReadOnlyList<(string Word, T Value)> words)
        where T : struct
    {
        if (parsed.GetValue(option) is not { } text)
            return null;
        foreach (var (word, value) in words)
            if (word == text)
                return value;
        throw new RefusedException($"\"{option.Name}\" is \"{text}\"; it must be one of {string.Join(", ", words.Select(w => w.Word))}.");
    }
}
