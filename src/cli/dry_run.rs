//! `--dry-run`: prints the tests that a plan would get and where it would be started.

use super::{
    args::OutputFormat,
    context::Context,
    list, managed, select,
    select::Wanted,
    settings::ServiceSettings,
    start::{PlanArgs, StartSettings},
};
use crate::{
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    listing::{listed_template::ListedTemplate, template_tests},
    report::sanitise::console_line,
};

/// Longest name, in bytes.
const LONGEST: usize = 300;

/// How the plan would be started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Would<'a> {
    pub(crate) project: &'a str,
    pub(crate) template: &'a str,
    /// The service; `None` for one in the process of `run`.
    pub(crate) service: Option<&'a str>,
    pub(crate) allow_empty: bool,
}

/// Looks at a service and prints what would be started there. Only asks the service.
pub(crate) async fn at_service(
    args: &PlanArgs,
    service: ServiceSettings,
    (allow_empty, format): (bool, OutputFormat),
    context: &Context,
) -> CommandResult {
    let settings = StartSettings::resolve(&args.start, context)?;
    let config = args.config.load(context)?;
    let client = service.connect()?;
    let (project, title) = args.template.resolve(config.as_ref())?;
    let template =
        template_tests::find_template(&client, (project, title), config.as_ref()).await?;
    managed::start_time(&args.managed, &client, &template, &context.screen)?;
    let wanted = Wanted {
        selection: &args.selection,
        branch: settings.tested.branch.as_deref(),
        allow_empty,
    };
    let source = (&template, config.as_ref());
    let listed = select::at_service(&client, source, wanted, context).await?;
    let endpoint = client.endpoint().to_string();
    let would = Would {
        project,
        template: title,
        service: Some(&endpoint),
        allow_empty,
    };
    show(listed.as_ref(), would, format, context)
}

/// Prints what would be started; `None` stands for the tests of the service's template.
pub(crate) fn show(
    listed: Option<&ListedTemplate>,
    would: Would<'_>,
    format: OutputFormat,
    context: &Context,
) -> CommandResult {
    let place = match would.service {
        Some(service) => format!("at {service}"),
        None => "in a service of this process".to_owned(),
    };
    let last = format!(
        "dry run: nothing was started; the plan of template {:?}, project {:?} would be started {place}",
        would.template, would.project
    );
    context.screen.data(
        format,
        || {
            let mut text = match listed {
                Some(listed) => list::text(listed),
                None => "the service has the tests of its template\n".to_owned(),
            };
            text.push_str(&console_line(&last, LONGEST));
            text.push('\n');
            text
        },
        || {
            let mut json = match listed {
                Some(listed) => list::json(listed),
                None => serde_json::json!({}),
            };
            json["schema"] = 1.into();
            json["dry_run"] = true.into();
            json["project"] = would.project.into();
            json["template"] = would.template.into();
            json["service"] = would.service.into();
            json
        },
    );
    match listed.and_then(|listed| Some((listed, listed.nothing()?))) {
        Some((listed, nothing)) if !would.allow_empty => {
            Err(Failure::nothing_to_run(nothing).help(listed.nothing_help()))
        }
        _ => Ok(Conclusion::Passed),
    }
}
