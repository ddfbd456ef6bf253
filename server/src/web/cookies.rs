//! Response cookies of known devices, opened invitations and tenant choices.
use super::context::Context;
use auth::{device, invitation_cookie};
use axum::response::Response;
use http::header;

/// Adds the cookies of known devices, opened invitations and tenant choices.
pub(super) fn with_cookies(context: &Context, https: bool, mut response: Response) -> Response {
    let device = context.new_device().and_then(|token| device::set_cookie(&token, https));
    let invitation = context.new_invitation().and_then(|cookie| invitation_cookie::set_cookie(&cookie, https));
    for line in device.into_iter().chain(invitation).chain(context.new_tenant_choice()) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    response
}
