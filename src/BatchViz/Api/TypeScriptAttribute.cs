namespace BatchViz.Api;

/// <summary>
/// On a record: pages know it, and src/BatchViz.Stage/contracts.ts is generated with it (and with what it holds). With an argument: the
/// TypeScript type to be written for it, where that says more than the one in C#.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Property)]
public sealed class TypeScriptAttribute(string? type = null) : Attribute
{
    public string? Type { get; } = type;
}

/// <summary>A number that is finite by construction, so that pages need not look for <c>null</c>.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class FiniteAttribute : Attribute;

/// <summary>A word out of a vocabulary of <see cref="Core.Specs.SpecVocabulary"/>.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OneOfAttribute(string vocabulary) : Attribute
{
    /// <summary>The name of the list in <see cref="Core.Specs.SpecVocabulary"/>.</summary>
    public string Vocabulary { get; } = vocabulary;
}
