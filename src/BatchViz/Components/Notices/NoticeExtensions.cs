using MudBlazor;

namespace BatchViz.Components.Notices;

/// <summary>What an owner's page says at its edge: a refusal, or something done that can be undone.</summary>
public static class NoticeExtensions
{
    /// <summary>
    /// A sentence that says why something was refused. It stays until it is closed, or <see cref="ClearRefusals"/> takes it away.
    /// </summary>
    public static void AddRefusal(this ISnackbar notices, string sentence)
    {
        ClearRefusals(notices);
        notices.Add(sentence, Severity.Error, key: Refusal);
    }

    public static void ClearRefusals(this ISnackbar notices) => notices.RemoveByKey(Refusal);

    /// <summary>Something that was done, with a button that takes it back while the notice lasts.</summary>
    public static void AddUndoable(this ISnackbar notices, string sentence, string action, Func<Task> undo)
    {
        notices.RemoveByKey(Undoable);
        notices.Add(
            sentence,
            Severity.Normal,
            options =>
            {
                options.Action = action;
                options.ActionVariant = Variant.Text;
                options.OnClick = _ => undo();
            },
            Undoable
        );
    }

    public static void ClearUndoable(this ISnackbar notices) => notices.RemoveByKey(Undoable);

    private const string Refusal = "refusal",
        Undoable = "undoable";
}
